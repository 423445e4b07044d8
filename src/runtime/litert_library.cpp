#include "runtime/litert_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "calib8/error.h"
#include "runtime/worker_process.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view library_name = "libLiteRt.so";
constexpr std::string_view package_name = "ai_edge_litert";
constexpr std::array<int, 3> oldest_version{2, 1,
                                            6};  // before it, create_model_from_buffer took other arguments

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// The library in a site-packages folder.
std::optional<fs::path> in_site_packages(const fs::path& folder) {
  fs::path library = folder / package_name / library_name;
  if (is_file(library)) return library;
  return std::nullopt;
}

/// The library in an environment with bin/ and lib/python3*/site-packages; the first in the order of names.
std::optional<fs::path> in_environment(const fs::path& prefix) {
  std::error_code failure;
  std::vector<fs::path> pythons;
  for (fs::directory_iterator entry(prefix / "lib", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (entry->path().filename().string().starts_with("python3")) pythons.push_back(entry->path());
  }
  std::sort(pythons.begin(), pythons.end());
  for (const fs::path& python : pythons) {
    if (auto library = in_site_packages(python / "site-packages")) return library;
  }
  return std::nullopt;
}

fs::path from_environment_variable(const char* value) {
  const fs::path path(value);
  if (is_file(path)) return path;
  if (is_file(path / library_name)) return path / library_name;
  if (auto library = in_site_packages(path)) return *library;
  throw Error(ErrorCode::runtime,
              "CALIB8_LITERT names neither libLiteRt.so nor a folder that holds it; correct or unset it",
              value);
}

/// The program or shared object that holds this code.
std::optional<fs::path> own_object() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_object), &info) == 0 || info.dli_fname == nullptr)
    return std::nullopt;
  std::error_code failure;
  fs::path path = fs::canonical(info.dli_fname, failure);
  if (failure) return std::nullopt;
  return path;
}

std::optional<std::array<int, 3>> parse_version(std::string_view text) {
  std::array<int, 3> parts{};
  for (std::size_t index = 0; index < parts.size(); ++index) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), parts[index]);
    if (failure != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty()) text.remove_prefix(1);  // the dot
  }
  return parts;
}

void refuse_old_version(const fs::path& library) {
  const auto text = litert_version(library);
  if (!text) return;  // a library by itself: its functions are all that can be checked
  const auto version = parse_version(*text);
  if (version && *version < oldest_version) {
    throw Error(
        ErrorCode::runtime,
        fmt::format("is of ai-edge-litert {}, calib8 needs 2.1.6 or later: pip install -U ai-edge-litert",
                    *text),
        library.string());
  }
}

}  // namespace

LiteRt::LiteRt(fs::path library, std::string model)
    : library_(std::move(library)), process_(std::make_unique<WorkerProcess>(library_, std::move(model))) {}
LiteRt::~LiteRt() = default;

std::optional<fs::path> find_litert() {
  if (const char* value = std::getenv("CALIB8_LITERT"); value != nullptr && *value != '\0') {
    return from_environment_variable(value);
  }
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  if (!failure) {
    if (auto library = in_environment(program.parent_path().parent_path())) return library;
  }
  if (const auto object = own_object()) {
    // site-packages/calib8/<module>.so, or a program some folders deeper in the package.
    fs::path folder = object->parent_path();
    for (int level = 0; level < 3 && folder.has_relative_path(); ++level) {
      folder = folder.parent_path();
      if (auto library = in_site_packages(folder)) return library;
    }
  }
  if (const char* value = std::getenv("VIRTUAL_ENV"); value != nullptr && *value != '\0') {
    return in_environment(value);
  }
  return std::nullopt;
}

std::optional<std::string> litert_version(const fs::path& library) {
  std::error_code failure;
  const fs::path site_packages = fs::absolute(library, failure).parent_path().parent_path();
  for (fs::directory_iterator entry(site_packages, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(package_name) || !name.ends_with(".dist-info")) continue;
    const std::size_t dash =
        name.find('-');  // ai_edge_litert-2.3.0.dist-info, ai_edge_litert_nightly-2.4.0.dev1.dist-info
    const std::size_t suffix = name.rfind(".dist-info");
    if (dash != std::string::npos && dash + 1 < suffix) return name.substr(dash + 1, suffix - dash - 1);
  }
  return std::nullopt;
}

std::shared_ptr<const LiteRt> open_litert_at(const fs::path& library, std::string model) {
  refuse_old_version(library);
  return std::make_shared<const LiteRt>(library, std::move(model));
}

std::shared_ptr<const LiteRt> open_litert(std::string model) {
  const auto library = find_litert();
  if (!library) {
    throw Error(ErrorCode::runtime,
                "LiteRT was not found: pip install ai-edge-litert into the environment of calib8, or set "
                "CALIB8_LITERT "
                "to the path of libLiteRt.so");
  }
  return open_litert_at(*library, std::move(model));
}

}  // namespace calib8
