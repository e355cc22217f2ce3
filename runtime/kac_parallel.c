// Blocks of work in, all of them done on return: the application's parallel_for, or threads of our own that sleep while
// there is nothing to do. Who does which block changes no result.
#define _GNU_SOURCE
#include "kac_instance.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kac_threads_limit = 1024 };
/* Waking a thread takes several microseconds, so less work than this is not shared. */
static const int64_t kac_worth_sharing = 30000; /* ns */

struct kac_pool {
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  int32_t threads; /* with the caller's */
  int32_t started; /* threads[0..started) run */
  int32_t active;  /* threads inside the present job */
  int32_t open;    /* the present job may still be joined */
  int32_t stop;
  uint64_t number; /* of the present job */
  void (*body)(void *job, int64_t i);
  void *job;
  int64_t count;
  _Atomic int64_t next;
  pthread_t ids[];
};

static void kac_work(struct kac_pool *pool) {
  for (;;) {
    int64_t i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (i >= pool->count)
      return;
    pool->body(pool->job, i);
  }
}

static void *kac_thread(void *argument) {
  struct kac_pool *pool = argument;
  uint64_t seen = 0;
  pthread_mutex_lock(&pool->lock);
  while (!pool->stop) {
    if (!pool->open || pool->number == seen) {
      pthread_cond_wait(&pool->work, &pool->lock);
      continue;
    }
    seen = pool->number;
    pool->active++;
    pthread_mutex_unlock(&pool->lock);
    kac_work(pool);
    pthread_mutex_lock(&pool->lock);
    if (--pool->active == 0)
      pthread_cond_signal(&pool->done);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

static int32_t kac_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int32_t)online : 1;
}

struct kac_pool *kac_pool_create(const struct kac_config *config) {
  int32_t threads = config->threads > 0 ? config->threads : kac_processors();
  if (threads > kac_threads_limit)
    threads = kac_threads_limit;
  size_t bytes = sizeof(struct kac_pool) + (size_t)threads * sizeof(pthread_t);
  bytes = (bytes + 63) & ~(size_t)63;
  struct kac_pool *pool = kac_allocate(config, bytes);
  if (!pool)
    return NULL;
  memset(pool, 0, bytes);
  pool->threads = threads;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->done, NULL);
  return pool;
}

void kac_pool_destroy(struct kac_pool *pool, const struct kac_config *config) {
  if (!pool)
    return;
  pthread_mutex_lock(&pool->lock);
  pool->stop = 1;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->lock);
  for (int32_t i = 0; i < pool->started; i++)
    pthread_join(pool->ids[i], NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->lock);
  size_t bytes = sizeof(struct kac_pool) + (size_t)pool->threads * sizeof(pthread_t);
  kac_release(config, pool, (bytes + 63) & ~(size_t)63);
}

int32_t kac_pool_threads(const struct kac_pool *pool) { return pool ? pool->threads : 0; }

/* Threads are started when there is work for them. Where the system gives none, the caller does all. Signals are left
 * to the threads of the application. */
static void kac_start_threads(struct kac_pool *pool) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool->started < pool->threads - 1 && pthread_create(&pool->ids[pool->started], NULL, kac_thread, pool) == 0)
    pool->started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int64_t kac_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void kac_pool_for(struct kac_pool *pool, int64_t count, void (*body)(void *job, int64_t i), void *job) {
  int64_t begin = kac_now();
  body(job, 0);
  if (pool->threads == 1 || (kac_now() - begin) * (count - 1) < kac_worth_sharing) {
    for (int64_t i = 1; i < count; i++)
      body(job, i);
    return;
  }
  pthread_mutex_lock(&pool->lock);
  if (pool->started < pool->threads - 1)
    kac_start_threads(pool);
  pool->body = body;
  pool->job = job;
  pool->count = count;
  atomic_store_explicit(&pool->next, 1, memory_order_relaxed);
  pool->number++;
  pool->open = 1;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->lock);
  kac_work(pool);
  pthread_mutex_lock(&pool->lock);
  pool->open = 0; /* who wakes only now need not be waited for */
  while (pool->active > 0)
    pthread_cond_wait(&pool->done, &pool->lock);
  pthread_mutex_unlock(&pool->lock);
}

void kac_for_blocks(struct kac_instance *instance, void (*body)(void *job, int64_t block), void *job) {
  if (instance->config.parallel_for)
    instance->config.parallel_for(instance->config.context, instance->blocks, body, job);
  else
    kac_pool_for(instance->pool, instance->blocks, body, job);
}
