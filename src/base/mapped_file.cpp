#include "base/mapped_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// What the signal handler may look at: it can take no lock.
struct Range {
  std::atomic<std::byte*> begin{nullptr}, end{nullptr};  ///< begin is null where the place is free.
  std::atomic<bool> was_cut{false};
};
static_assert(std::atomic<std::byte*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

/// More files than a model names; those beyond are read into memory.
std::array<Range, 256> ranges;
std::size_t page_size = 4096;
struct sigaction handler_before {};

/// Lays zeros from the page of the address to the end of the mapping: behind a new end of file there is
/// nothing.
bool lay_zeros(std::byte* address) {
  for (Range& range : ranges) {
    std::byte *const begin = range.begin, *const end = range.end;
    if (begin == nullptr || address < begin || address >= end) continue;
    std::byte* const page = address - static_cast<std::size_t>(address - begin) % page_size;
    void* const laid = ::mmap(page, static_cast<std::size_t>(end - page), PROT_READ,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (laid == MAP_FAILED) return false;
    range.was_cut = true;
    return true;
  }
  return false;
}

void hand_on(int signal, siginfo_t* information, void* context) {
  if ((handler_before.sa_flags & SA_SIGINFO) != 0) {
    handler_before.sa_sigaction(signal, information, context);
  } else if (handler_before.sa_handler != SIG_DFL && handler_before.sa_handler != SIG_IGN) {
    handler_before.sa_handler(signal);
  } else {
    ::signal(signal, SIG_DFL);  // the read that failed is tried again, and ends the program as it would have
    if (information->si_code <= 0) ::raise(signal);  // unless somebody sent the signal
  }
}

void on_bus_error(int signal, siginfo_t* information, void* context) {
  const int error = errno;
  const bool is_fault = information->si_code > 0;
  // A handler that was set behind ours (Python's faulthandler) writes its report, sets ours again and raises
  // the signal: the fault itself comes again when we return.
  const bool is_announcement = information->si_code == SI_TKILL && information->si_pid == ::getpid();
  const bool mended = is_fault && lay_zeros(static_cast<std::byte*>(information->si_addr));
  if (!mended && !is_announcement) hand_on(signal, information, context);
  errno = error;
}

void install_handler() {
  page_size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction ours {};
  ours.sa_sigaction = on_bus_error;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&ours.sa_mask);
  ::sigaction(SIGBUS, &ours, &handler_before);
}

struct stat status_of(int descriptor, const std::string& name) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    throw Error(ErrorCode::model, "cannot read: " + std::generic_category().message(errno), name);
  return status;
}

/// A mapped file with all that tells whether it is still the same.
class Mapping {
 public:
  /// `descriptor` is ours.
  Mapping(int descriptor, std::size_t size, std::string name)
      : descriptor_(descriptor), size_(size), name_(std::move(name)), status_(status_of(descriptor, name_)) {
    void* const address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
    if (address == MAP_FAILED) {
      const int error = errno;
      ::close(descriptor_);
      throw Error(ErrorCode::model, "cannot map: " + std::generic_category().message(error), name_);
    }
    begin_ = static_cast<std::byte*>(address);
  }
  ~Mapping() {
    if (range_) range_->begin = nullptr;
    ::munmap(begin_, size_);
    ::close(descriptor_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  void watch(Range& range) {
    const std::size_t pages = (size_ + page_size - 1) / page_size;
    range.was_cut = false;
    range.end = begin_ + pages * page_size;
    range.begin = begin_;  // last: it makes the place valid
    range_ = &range;
  }

  void require_unchanged() const {
    const struct stat now = status_of(descriptor_, name_);
    const bool same = now.st_size == status_.st_size && now.st_mtim.tv_sec == status_.st_mtim.tv_sec &&
                      now.st_mtim.tv_nsec == status_.st_mtim.tv_nsec;
    if (same && !(range_ && range_->was_cut)) return;
    throw Error(ErrorCode::model, "was changed while it was read; run again when nothing writes to it",
                name_);
  }

  ByteView bytes() const { return {begin_, size_}; }

 private:
  int descriptor_;
  std::size_t size_;
  std::string name_;
  struct stat status_;
  std::byte* begin_ = nullptr;
  Range* range_ = nullptr;
};

/// All mappings, by address.
class Registry {
 public:
  /// Null where there is no place left.
  std::shared_ptr<const Mapping> add(int descriptor, std::size_t size, const std::string& name) {
    const std::lock_guard lock(mutex_);
    static const bool installed = (install_handler(), true);
    static_cast<void>(installed);
    for (Range& range : ranges) {
      if (range.begin != nullptr) continue;
      auto mapping = std::make_unique<Mapping>(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3), size, name);
      mapping->watch(range);
      Mapping* const raw = mapping.get();
      all_.emplace(raw->bytes().data(), raw);
      return {mapping.release(), [this](const Mapping* gone) { remove(gone); }};
    }
    return nullptr;
  }

  void require_unchanged(ByteView bytes) {
    if (bytes.empty()) return;
    const std::lock_guard lock(mutex_);
    auto found = all_.upper_bound(bytes.data());
    if (found == all_.begin()) return;
    const Mapping& mapping = *(--found)->second;
    if (bytes.data() < mapping.bytes().data() + mapping.bytes().size()) mapping.require_unchanged();
  }

 private:
  void remove(const Mapping* gone) {
    const std::lock_guard lock(mutex_);
    all_.erase(gone->bytes().data());
    delete gone;
  }

  std::mutex mutex_;
  std::map<const std::byte*, const Mapping*> all_;
};

/// Never destroyed: a Data may outlive it in a program that ends.
Registry& registry() {
  static Registry* const all = new Registry;
  return *all;
}

Data read_descriptor(int descriptor, std::size_t size, const std::string& name) {
  std::vector<std::byte> bytes(size);
  for (std::size_t offset = 0; offset < size;) {
    const ssize_t count =
        ::pread(descriptor, bytes.data() + offset, size - offset, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw Error(ErrorCode::model, "cannot read: " + std::generic_category().message(errno), name);
    if (count == 0) throw Error(ErrorCode::model, "was cut off while it was read", name);
    offset += static_cast<std::size_t>(count);
  }
  return Data::from_vector(std::move(bytes));
}

}  // namespace

Data map_descriptor(int descriptor, std::size_t size, const std::string& name) {
  const std::shared_ptr<const Mapping> mapping = registry().add(descriptor, size, name);
  if (!mapping) return read_descriptor(descriptor, size, name);
  return Data(mapping, mapping->bytes());
}

void require_unchanged(const Data& data) {
  registry().require_unchanged(data.bytes());
}

}  // namespace calib8
