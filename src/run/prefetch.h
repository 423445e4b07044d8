#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace calib8 {

/// Loads things in order on a thread of its own, a few ahead of who takes them; where the system gives no
/// thread, they are loaded when they are taken. T is movable.
template <class T>
class Prefetch {
 public:
  /// `load(index)` for each index in [0, count); what it throws, take() throws.
  Prefetch(std::size_t count, const std::function<T(std::size_t)>& load) : count_(count), load_(load) {
    try {
      thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
    } catch (const std::system_error&) {
      // take() does the work.
    }
  }

  /// The next one; at most `count` times.
  T take() {
    if (!thread_.joinable()) return load_(taken_++);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || failure_; });
    if (ready_.empty()) std::rethrow_exception(failure_);
    T first = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return first;
  }

 private:
  static constexpr std::size_t most_ready = 4;

  void work(const std::stop_token& stop) {
    try {
      for (std::size_t index = 0; index < count_; ++index) {
        T loaded = load_(index);
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [&] { return ready_.size() < most_ready; })) return;
        ready_.push_back(std::move(loaded));
        changed_.notify_all();
      }
    } catch (...) {  // handed to who takes
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  std::size_t count_;
  std::size_t taken_ = 0;  ///< Without a thread.
  const std::function<T(std::size_t)>& load_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<T> ready_;
  std::exception_ptr failure_;
  std::jthread thread_;  ///< Last: it ends before what it uses.
};

}  // namespace calib8
