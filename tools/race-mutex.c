// Tells the thread sanitizer of the contended half of Swift's Mutex (module Synchronization).
//
// Taking a free lock and giving back one that nobody waits for are inlined, hence seen. The rest is in
// the standard library, which is not instrumented: without this, whoever had to wait seems to hold no
// lock. The functions here stand before those of the library (LD_PRELOAD), and call them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *handle

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

static void tell(const char *name, void *handle) {
    void (*function)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, name);
    if (function) function(handle);
}

static void *library(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
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
