#include "runtime/worker_process.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/interrupt.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr const char* program_name = "calib8-runtime";
constexpr double default_patience = 120;    // seconds
constexpr std::size_t longest_words = 300;  // of what LiteRT said last, in an error

/// calib8-runtime lies beside the program or shared object that holds this code.
fs::path find_program() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&find_program), &info) == 0 || info.dli_fname == nullptr)
    throw Error(ErrorCode::internal, "the place of this program can't be found");
  std::error_code failure;
  // A program names itself as it was called, perhaps by PATH or by a link: the system knows better.
  const bool is_program = info.dli_fname != nullptr && fs::path(info.dli_fname).extension() != ".so";
  fs::path own = fs::canonical(is_program ? fs::path("/proc/self/exe") : fs::path(info.dli_fname), failure);
  if (failure) own = info.dli_fname;
  fs::path program = own.parent_path() / program_name;
  if (!fs::exists(program, failure))
    throw Error(ErrorCode::runtime, "is missing: calib8 runs LiteRT by it; install calib8 anew",
                program.string());
  return program;
}

/// Whether a process ends itself with that signal where its code goes wrong; others come from outside.
bool is_crash(int signal) {
  constexpr std::array crashes = {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGTRAP, SIGSYS};
  return std::find(crashes.begin(), crashes.end(), signal) != crashes.end();
}

std::string while_doing(std::string_view doing) {
  return doing.empty() ? std::string() : fmt::format(" while {}", doing);
}

std::string trimmed(std::string_view line) {
  std::string text;
  for (const char character : line) text += static_cast<unsigned char>(character) < ' ' ? ' ' : character;
  const std::size_t end = text.find_last_not_of(' ');
  return text.substr(0, end == std::string::npos ? 0 : end + 1);
}

/// The last bytes of a file.
std::string read_end(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return {};
  std::string text(4096, '\0');
  const ssize_t count = ::pread(file, text.data(), text.size(),
                                std::max<off_t>(status.st_size - static_cast<off_t>(text.size()), 0));
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

}  // namespace

double patience_with(std::size_t model_bytes) {
  double patience = default_patience;
  if (const char* value = std::getenv("CALIB8_RUNTIME_TIMEOUT"); value != nullptr && *value != '\0') {
    const std::string_view text(value);
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), patience);
    if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(patience) ||
        patience < 0)
      throw Error(ErrorCode::usage, "is not a number of seconds: '" + trimmed(text) + "'",
                  "CALIB8_RUNTIME_TIMEOUT");
    if (patience == 0) return 0;
  }
  return patience + static_cast<double>(model_bytes >> 20);
}

WorkerProcess::WorkerProcess(const fs::path& library, std::string model)
    : model_(std::move(model)), standard_error_(make_memory_file()) {
  const fs::path program = find_program();
  const double patience = patience_with(0);
  auto [here, there] = Channel::make_pair();
  connection_.emplace(std::move(here));
  process_.emplace(program, std::vector<std::string>{std::to_string(message::protocol), library.string()},
                   there.descriptor(), standard_error_.get());
  there = Channel(Descriptor());
  const Channel::Message hello = receive(*connection_, "loading LiteRT", patience);
  message::Reader reader(hello.bytes);
  if (const auto failure = message::read_failure(reader))
    throw Error(failure->code, failure->text, library.string());
}

WorkerProcess::~WorkerProcess() {
  // Not by closing: copies of this process that were forked may hold the connection too.
  if (connection_) connection_->shut_down();
}

Channel WorkerProcess::open(const message::Open& settings, const SharedFile& file) {
  auto [here, there] = Channel::make_pair();
  std::vector<int> descriptors = {there.descriptor()};
  for (const SharedFile::Part& part : file.parts) descriptors.push_back(part.memory->descriptor());
  // That the process is gone shows on the channel.
  const std::lock_guard lock(connection_mutex_);
  connection_->send(message::write(settings).bytes(), descriptors);
  return std::move(here);
}

Channel::Message WorkerProcess::receive(Channel& channel, std::string_view doing, double patience) {
  double waited = 0;
  auto answer = channel.receive([&](double seconds) {
    throw_if_interrupted();
    waited += seconds;
    if (patience > 0 && waited > patience) fail_hanging(doing, patience);
  });
  if (!answer) fail_ended(doing);
  return std::move(*answer);
}

Error WorkerProcess::error_of(const message::Failure& failure, std::string_view doing) const {
  return Error(failure.code, failure.text + while_doing(doing), model_);
}

void WorkerProcess::fail_hanging(std::string_view doing, double patience) {
  const std::lock_guard lock(ending_mutex_);
  if (!ending_) {
    ending_.emplace(
        ErrorCode::runtime,
        fmt::format("LiteRT gave no answer for {:g} s{}; CALIB8_RUNTIME_TIMEOUT sets the limit (seconds, "
                    "0 for none){}",
                    patience, while_doing(doing), last_words()),
        model_);
  }
  process_->kill();
  process_->wait(5);
  throw *ending_;
}

void WorkerProcess::fail_ended(std::string_view doing) {
  throw_if_interrupted();
  {
    const std::lock_guard lock(ending_mutex_);
    if (ending_) throw *ending_;
  }
  const std::optional<ProcessEnd> end = process_->wait(5);
  const std::string how = end ? end->describe() : "for an unknown reason";
  if (end && is_crash(end->signal)) {
    throw Error(ErrorCode::model,
                fmt::format("the model makes LiteRT crash ({}){}{}", how, while_doing(doing), last_words()),
                model_);
  }
  const char* const hint =
      end && end->signal == SIGKILL ? ": by somebody, or by the system for want of memory" : "";
  throw Error(
      ErrorCode::runtime,
      fmt::format("LiteRT's process was ended ({}){}{}{}", how, while_doing(doing), hint, last_words()),
      model_);
}

std::string WorkerProcess::last_words() const {
  const std::string end = read_end(standard_error_.get());
  std::string words;
  for (std::string_view text = end; !text.empty();) {
    const std::size_t start = text.find_last_of('\n') + 1;  // npos + 1 is 0
    std::string line = trimmed(text.substr(start));
    text = text.substr(0, start == 0 ? 0 : start - 1);
    if (line.empty() || line.starts_with("INFO: ")) continue;
    if (line.size() + words.size() > longest_words) break;
    words = words.empty() ? line : line + "; " + words;
  }
  return words.empty() ? "" : "; its last words: " + words;
}

}  // namespace calib8
