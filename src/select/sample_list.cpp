#include "select/sample_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "calib8/error.h"
#include "discover/folder_reader.h"
#include "discover/text_file.h"

namespace calib8 {
namespace {

using nlohmann::json;

constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 30;

/// The bytes of a path that isn't UTF-8.
std::string from_hex(const std::string& hex, const std::string& where) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    int byte = 0;
    const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    if (error != std::errc() || end != hex.data() + i + 2 || byte <= 0) break;
    bytes.push_back(static_cast<char>(byte));
  }
  if (bytes.empty() || bytes.size() * 2 != hex.size())
    throw Error(ErrorCode::dataset, "a path_hex of the list is not a path in hexadecimal digits", where);
  return bytes;
}

ListedSample to_sample(const json& item, const std::string& where) {
  if (item.is_string() && !item.get_ref<const std::string&>().empty())
    return {item.get<std::string>(), {}, std::nullopt};
  const auto text = [&](const char* key) {
    return item.is_object() && item.contains(key) && item[key].is_string();
  };
  if (!text("path") || (item.contains("sha256") && !text("sha256")) ||
      (item.contains("row") && !item["row"].is_number_unsigned())) {
    throw Error(ErrorCode::dataset,
                "an entry of the list is neither a path nor an object with path and sha256", where);
  }
  ListedSample sample{item["path"].get<std::string>(), item.value("sha256", ""), std::nullopt};
  if (text("path_hex")) sample.path = from_hex(item["path_hex"].get_ref<const std::string&>(), where);
  if (item.contains("row")) sample.row = item["row"].get<std::size_t>();
  return sample;
}

std::vector<ListedSample> to_samples(const json& list, const std::string& where) {
  if (!list.is_array()) throw Error(ErrorCode::dataset, "its list of samples is not a list", where);
  std::vector<ListedSample> samples;
  for (const json& item : list) samples.push_back(to_sample(item, where));
  return samples;
}

/// As the metadata has them.
SampleList listed_by_name(const json& lists, const std::string& where) {
  SampleList list;
  list.calibration = to_samples(lists["calibration"], where);
  if (lists.contains("verification")) list.verification = to_samples(lists["verification"], where);
  if (lists.contains("selection")) list.selection = to_samples(lists["selection"], where);
  return list;
}

/// One list of all: what calibrates, what verifies as far as that was asked for, the selection, and all
/// others verify as well.
SampleList divided(std::vector<ListedSample> all, const DrawRequest& request) {
  const std::size_t calibration = std::min(request.calibration, all.size());
  const std::size_t begin = calibration + std::min(request.verification, all.size() - calibration);
  const std::size_t end = begin + std::min(request.selection, all.size() - begin);
  const auto at = [&](std::size_t place) { return all.begin() + static_cast<std::ptrdiff_t>(place); };
  SampleList list{{at(0), at(calibration)}, {at(calibration), at(begin)}, {at(begin), at(end)}};
  list.verification.insert(list.verification.end(), at(end), all.end());
  return list;
}

}  // namespace

SampleList read_sample_list(const std::filesystem::path& file, const DrawRequest& request) {
  const std::string where = file.string();
  const json root = json::parse(read_text_file(file, kMostBytes), nullptr, false);
  const json& lists = root.is_object() && root.contains("dataset") ? root["dataset"] : root;
  const bool named = lists.is_object() && lists.contains("calibration");
  if (!named && !lists.is_array()) {
    throw Error(
        ErrorCode::dataset,
        "holds no list of samples: give a .quantization_metadata file of a calibration by images, or a "
        "JSON list of paths",
        where);
  }
  SampleList result = named ? listed_by_name(lists, where) : divided(to_samples(lists, where), request);
  if (result.calibration.empty()) throw Error(ErrorCode::dataset, "its list of samples is empty", where);
  if (request.verification == 0) result.verification.clear();
  if (request.selection == 0) result.selection.clear();
  return result;
}

ImageEntry find_listed(const ListedSample& sample, const DatasetListing& listing, bool follow_links) {
  if (const auto index = listing.images.find(sample.path)) return listing.images[*index];
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(listing.root / sample.path, error);
  if (error || !std::filesystem::is_regular_file(path, error)) {
    throw Error(
        ErrorCode::dataset,
        fmt::format("is not there, but the list of samples names it: the folder must hold the data of "
                    "that run ({})",
                    listing.root.string()),
        sample.path);
  }
  if (!follow_links && !is_within(path, listing.root)) {
    throw Error(ErrorCode::dataset, "leads out of the data set's folder: use --follow-links to follow",
                sample.path);
  }
  return {(listing.root / sample.path).string(), sample.path, std::nullopt};
}

}  // namespace calib8
