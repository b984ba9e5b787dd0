// Loaded into a node (LD_PRELOAD) to kill it, as `kill -9` does, at a chosen place: in the middle of
// what only the operating system sees it do. The node knows nothing of it.
//
// The file named by KILL_SHIM_CONTROL holds the plan (struct control); the test writes it while the
// node runs, and reads in it afterwards where the node died.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// FORGET is a disk that lies: it says that the log was written, and was not.
enum phase { NONE, LOG_WRITE, LOG_SYNC, APPLY, CHECKPOINT, FORGET };
enum moment { BEFORE, DURING, AFTER };
enum operation { NOTHING, WRITE, SYNC, META };

// Little-endian words of 32 bits, in this order; `phase` is written last.
struct control {
    _Atomic uint32_t phase;
    _Atomic uint32_t countdown; // die at the n-th such operation, from 1
    _Atomic uint32_t moment;
    _Atomic uint32_t delay_us;  // into the apply, or into the sync
    _Atomic uint32_t operation; // that counts; NOTHING for any
    _Atomic uint32_t died_in;   // phase, 0 while the node lives
    _Atomic uint32_t died_at;   // operation
};

static struct control *plan;
static _Atomic uint64_t generation; // of log records: odd between a sync and the next write

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_msync)(void *, size_t, int);

__attribute__((constructor)) static void start(void) {
    real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    real_pwritev =
        (ssize_t(*)(int, const struct iovec *, int, off_t))dlsym(RTLD_NEXT, "pwritev64");
    real_writev = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_msync = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "msync");
    const char *path = getenv("KILL_SHIM_CONTROL");
    if (!path) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED) plan = map;
}

static void die(enum phase phase, enum operation operation) {
    atomic_store(&plan->died_at, operation);
    atomic_store(&plan->died_in, phase);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

// Whether the node is to die in this operation.
static int is_due(enum phase phase, enum operation operation) {
    if (!plan || atomic_load(&plan->phase) != phase) return 0;
    uint32_t wanted = atomic_load(&plan->operation);
    if (wanted != NOTHING && wanted != operation) return 0;
    return atomic_fetch_sub(&plan->countdown, 1) == 1;
}

enum file { OTHER, LOG, STORE };

static enum file kind(int descriptor) {
    char link[40], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return OTHER;
    path[length] = 0;
    if (strstr(path, "/beacon/log/")) return LOG;
    return length > 9 && !strcmp(path + length - 9, "/data.mdb") ? STORE : OTHER;
}

struct alarm {
    enum phase phase;
    enum operation operation;
    uint64_t generation;
};

static void *ring(void *argument) {
    struct alarm *alarm = argument;
    uint64_t delay = atomic_load(&plan->delay_us);
    struct timespec time = {delay / 1000000, delay % 1000000 * 1000};
    nanosleep(&time, NULL);
    // Too late: the next record is being written. The next apply will do.
    if (alarm->phase == APPLY && atomic_load(&generation) != alarm->generation) {
        atomic_store(&plan->countdown, 1);
        free(alarm);
        return NULL;
    }
    die(alarm->phase, alarm->operation);
    return NULL;
}

// Kills the node after a while, from another thread.
static void set_alarm(enum phase phase, enum operation operation) {
    struct alarm *alarm = malloc(sizeof *alarm);
    *alarm = (struct alarm){phase, operation, atomic_load(&generation)};
    pthread_t thread;
    if (pthread_create(&thread, NULL, ring, alarm) == 0) pthread_detach(thread);
}

// A meta page of LMDB: the write that makes a transaction the newest.
static enum operation store_write(size_t length, off_t offset) {
    return offset < 8192 && length < 512 ? META : WRITE;
}

static ssize_t write_some(
    int descriptor, const struct iovec *parts, int count, off_t offset, enum phase phase,
    enum operation operation
) {
    switch (atomic_load(&plan->moment)) {
    case BEFORE: break;
    case DURING:
        for (int i = 0; i < (count + 1) / 2; i++) {
            real_pwrite(
                descriptor, parts[i].iov_base,
                i < count / 2 ? parts[i].iov_len : parts[i].iov_len / 2, offset);
            offset += parts[i].iov_len;
        }
        break;
    default: real_pwritev(descriptor, parts, count, offset);
    }
    die(phase, operation);
    return -1;
}

static ssize_t vector(int descriptor, const struct iovec *parts, int count, off_t offset) {
    switch (kind(descriptor)) {
    case LOG:
        if (atomic_load(&generation) & 1) atomic_fetch_add(&generation, 1);
        if (is_due(LOG_WRITE, WRITE))
            return write_some(descriptor, parts, count, offset, LOG_WRITE, WRITE);
        if (plan && atomic_load(&plan->phase) == FORGET) {
            ssize_t total = 0;
            for (int i = 0; i < count; i++) total += parts[i].iov_len;
            return total;
        }
        break;
    case STORE: {
        enum operation operation = store_write(count == 1 ? parts[0].iov_len : 512, offset);
        if (is_due(CHECKPOINT, operation))
            return write_some(descriptor, parts, count, offset, CHECKPOINT, operation);
        break;
    }
    default: break;
    }
    return count == 1 ? real_pwrite(descriptor, parts[0].iov_base, parts[0].iov_len, offset)
                      : real_pwritev(descriptor, parts, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t offset) {
    struct iovec part = {(void *)bytes, count};
    return vector(descriptor, &part, 1, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    return pwrite64(descriptor, bytes, count, offset);
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off_t offset) {
    return vector(descriptor, parts, count, offset);
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset) {
    return pwritev64(descriptor, parts, count, offset);
}

// LMDB seeks and then writes runs of pages so.
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    if (plan && atomic_load(&plan->phase) == CHECKPOINT && kind(descriptor) == STORE
        && is_due(CHECKPOINT, WRITE)) {
        off_t offset = lseek(descriptor, 0, SEEK_CUR);
        return write_some(descriptor, parts, count, offset, CHECKPOINT, WRITE);
    }
    return real_writev(descriptor, parts, count);
}

static int synchronise(int descriptor, int (*real)(int)) {
    enum file file = kind(descriptor);
    enum phase phase = file == LOG ? LOG_SYNC : file == STORE ? CHECKPOINT : NONE;
    int dies = phase != NONE && is_due(phase, SYNC);
    uint32_t moment = dies ? atomic_load(&plan->moment) : 0;
    if (dies && moment == BEFORE) die(phase, SYNC);
    if (dies && moment == DURING) set_alarm(phase, SYNC);
    int result = real(descriptor);
    if (dies) die(phase, SYNC);
    if (file == LOG && !(atomic_load(&generation) & 1)) {
        atomic_fetch_add(&generation, 1);
        if (is_due(APPLY, NOTHING)) set_alarm(APPLY, NOTHING);
    }
    return result;
}

int fdatasync(int descriptor) { return synchronise(descriptor, real_fdatasync); }
int fsync(int descriptor) { return synchronise(descriptor, real_fsync); }

int msync(void *address, size_t length, int flags) {
    if (is_due(CHECKPOINT, SYNC)) die(CHECKPOINT, SYNC);
    return real_msync(address, length, flags);
}
