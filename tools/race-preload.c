// What the tests need to run under the thread sanitizer; LD_PRELOAD puts these functions before those of
// the libraries, which they call.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void *library(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

// The contended half of Swift's Mutex (module Synchronization). Taking a free lock and giving back one
// that nobody waits for are inlined, hence seen. The rest is in the standard library, which is not
// instrumented: without this, whoever had to wait seems to hold no lock.
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *handle

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

static void tell(const char *name, void *handle) {
    void (*function)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, name);
    if (function) function(handle);
}

SWIFT void race_lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void race_lock(uint32_t thread, SELF) {
    ((SWIFT void (*)(uint32_t, SELF))library(LOCK))(thread, handle);
    tell("__tsan_acquire", handle);
}

SWIFT bool race_try_lock(SELF) __asm__(TRY_LOCK);
SWIFT bool race_try_lock(SELF) {
    bool taken = ((SWIFT bool (*)(SELF))library(TRY_LOCK))(handle);
    if (taken) tell("__tsan_acquire", handle);
    return taken;
}

SWIFT void race_unlock(SELF) __asm__(UNLOCK);
SWIFT void race_unlock(SELF) {
    tell("__tsan_release", handle);
    ((SWIFT void (*)(SELF))library(UNLOCK))(handle);
}

// The sanitizer leaves 6 TiB of addresses, where each of a ledger's environments reserves 1 TiB. No test
// writes as much as this.
#define MAP_SIZE ((size_t)1 << 32)

int mdb_env_set_mapsize(void *environment, size_t size) {
    int (*set)(void *, size_t) = (int (*)(void *, size_t))library("mdb_env_set_mapsize");
    return set(environment, size < MAP_SIZE ? size : MAP_SIZE);
}
