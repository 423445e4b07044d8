#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/child_process.h"
#include "calib8/error.h"
#include "worker/instance.h"

// The process that holds LiteRT: calib8-runtime PROTOCOL LIBRARY, started by calib8 with a connection as
// descriptor 3. It ends when its connection does, or when its parent does: copies of the parent may hold the
// connection's other end.

namespace calib8 {
namespace {

using litert::Instance;

constexpr int look_for_parent_milliseconds = 500;

[[noreturn]] void end_at_once(int status) {
  // Instances may be busy in LiteRT; nothing here has anything to clean up.
  ::_exit(status);
}

/// Serves requests for instances, each in a thread of its own; where the system gives no thread, from here.
class Server {
 public:
  Server(const litert::Library& library, Channel connection)
      : library_(library), connection_(std::move(connection)), parent_(::getppid()) {}

  [[noreturn]] void serve() {
    while (true) {
      std::vector<pollfd> waited = {{connection_.descriptor(), POLLIN, 0}};
      for (const Instance& instance : instances_) waited.push_back({instance.descriptor(), POLLIN, 0});
      ::poll(waited.data(), waited.size(), look_for_parent_milliseconds);
      if (::getppid() != parent_) end_at_once(0);
      std::size_t position = 0;
      if (waited[position].revents != 0) open_instance();
      for (auto instance = instances_.begin(); ++position < waited.size();) {
        const bool stays = waited[position].revents == 0 || instance->serve();
        instance = stays ? std::next(instance) : instances_.erase(instance);
      }
    }
  }

 private:
  void open_instance() {
    auto message = connection_.receive();
    if (!message) end_at_once(0);
    message::Reader reader(message->bytes);
    if (reader.number() != static_cast<std::uint64_t>(message::Request::open)) end_at_once(1);
    message::Open request = message::read_open(reader);
    if (message->descriptors.size() != request.parts.size() + 1) {  // the caller sees its channel end
      std::fputs("ERROR: no descriptor is left for another model\n", stderr);
      return;
    }
    Channel channel(std::move(message->descriptors.front()));
    message->descriptors.erase(message->descriptors.begin());
    const auto job =
        std::make_shared<Job>(std::move(channel), std::move(request), std::move(message->descriptors));
    try {
      std::thread([&library = library_, job] {
        Instance instance(library, std::move(job->channel), job->request, job->file);
        while (instance.serve()) {
        }
      }).detach();
    } catch (const std::system_error&) {
      instances_.emplace_back(library_, std::move(job->channel), job->request, job->file);
    }
  }

  /// What an instance is made from.
  struct Job {
    Channel channel;
    message::Open request;
    std::vector<Descriptor> file;

    Job(Channel c, message::Open r, std::vector<Descriptor> f)
        : channel(std::move(c)), request(std::move(r)), file(std::move(f)) {}
  };

  const litert::Library& library_;
  Channel connection_;
  pid_t parent_;
  std::list<Instance> instances_;  ///< Those that are served from here.
};

int run(const std::filesystem::path& path) {
  Channel connection{Descriptor(ChildProcess::connection)};
  std::optional<litert::Library> library;
  std::optional<message::Failure> failure;
  try {
    library.emplace(path);
  } catch (const Error& error) {
    failure = message::Failure{error.code(), error.message()};
  }
  connection.send(message::write(failure).bytes());
  if (failure) return 1;
  Server(*library, std::move(connection)).serve();
}

}  // namespace
}  // namespace calib8

int main(int argc, char** argv) {
  // A crash is told by the caller; nobody asked for a file of the whole memory.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (argc != 3 || argv[1] != std::to_string(calib8::message::protocol)) {
    std::fputs("calib8-runtime runs LiteRT for calib8 of the same version, and is started by it alone\n",
               stderr);
    return 2;
  }
  return calib8::run(argv[2]);
}
