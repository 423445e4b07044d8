// Any bytes as one of the files that describe a data set, told by the first byte: it is read, or refused with
// calib8::Error; nothing else may happen.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "array_samples/array_file.h"
#include "calib8/error.h"
#include "discover/discover.h"
#include "select/sample_list.h"

namespace {

namespace fs = std::filesystem;

/// A data set of one image, to which the file under test is added.
const fs::path& folder() {
  static const fs::path made = [] {
    std::string name = (fs::temp_directory_path() / "calib8_fuzz_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    fs::create_directories(fs::path(name) / "images" / "val");
    fs::create_directories(fs::path(name) / "annotations");
    std::ofstream(fs::path(name) / "images" / "val" / "1.jpg").put('x');
    return fs::path(name);
  }();
  return made;
}

void read_boxes(const calib8::DatasetListing& listing) {
  for (const calib8::ImageEntry& image : listing.images) {
    if (listing.annotations) listing.annotations->read_boxes(image);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static const char* const names[] = {
      "data.yaml", "annotations/instances_val.json", "val.csv", "val.txt", "x.npy", "x.npz", "list.json"};
  const std::size_t kind = data[0] % std::size(names);
  const fs::path file = folder() / names[kind];
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(data) + 1, static_cast<std::streamsize>(size - 1));
  try {
    if (kind < 4) {
      read_boxes(calib8::discover_dataset(kind < 2 ? folder() : file));
    } else if (kind < 6) {
      const calib8::ArrayFile arrays(file, {{"image", {1, 2, 3}}}, std::make_shared<calib8::SpoolFile>());
      arrays.read_row(arrays.rows() - 1);
    } else {
      calib8::read_sample_list(file, {.calibration = 2, .verification = 1, .selection = 1});
    }
  } catch (const calib8::Error& error) {  // the expected way out, but for bugs of our own
    if (error.code() == calib8::ErrorCode::internal) throw;
  }
  fs::remove(file);
  return 0;
}
