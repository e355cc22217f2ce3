// A function in; it is run on a thread of its own, whose stack is as deep as asked for. The sanitizers' frames are some
// four times those of code without them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <pthread.h>

namespace kac {

inline void onStack(size_t bytes, const std::function<void()> &f) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, bytes), 0);
  pthread_t thread;
  auto body = [](void *job) -> void * {
    (*static_cast<const std::function<void()> *>(job))();
    return nullptr;
  };
  int failed = pthread_create(&thread, &attributes, body, const_cast<std::function<void()> *>(&f));
  pthread_attr_destroy(&attributes);
  ASSERT_EQ(failed, 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
}

} // namespace kac
