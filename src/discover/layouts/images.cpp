#include <fmt/format.h>

#include "discover/layouts/layouts.h"

namespace calib8 {
namespace {

std::string_view family(const Search& search) {
  return search.reader.options().kind == FileKind::arrays ? "arrays" : "images";
}

}  // namespace

bool find_flat_images(Search& search) {
  search.places.push_back("the folder itself");
  collect(search, *search.reader.find(""), false, std::nullopt);
  if (!search.listing.images.empty()) {
    search.listing.layout = fmt::format("{}: flat folder", family(search));
    return true;
  }
  for (const std::string_view split : kSplits) {
    search.places.push_back(fmt::format("{}/", split));
    const Folder* folder = search.reader.find(std::string(split));
    if (folder == nullptr || folder->images.empty()) continue;
    collect(search, *folder, true, std::nullopt);
    search.listing.layout = fmt::format("{}: {}", family(search), split);
    note_training_data(search, fmt::format("{}/", split));
    return true;
  }
  return false;
}

bool find_any_images(Search& search) {
  search.places.push_back("all folders below it");
  collect(search, *search.reader.find(""), true, std::nullopt);
  if (search.listing.images.empty()) return false;
  search.listing.layout = fmt::format("{}: found by searching all folders", family(search));
  return true;
}

}  // namespace calib8
