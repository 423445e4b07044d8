#include "pipeline/class_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>

#include "base/natural_order.h"
#include "base/text.h"

namespace calib8 {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// "Golden Retriever", "golden_retriever" and "golden-retriever" name one class.
std::string key_of(std::string_view name) {
  std::string key = lower_case(name);
  std::erase_if(key, [](char c) { return c == ' ' || c == '_' || c == '-'; });
  return key;
}

bool is_number(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, is_digit);
}

std::string shown(const std::vector<std::string>& names) {
  constexpr std::size_t most = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
    text += (i == 0 ? "" : ", ") + one_line(names[i], 100);
  return names.size() > most ? text + ", ..." : text;
}

void number_by_model(DatasetListing& listing, const std::vector<std::string>& model_names) {
  const std::vector<std::string>& classes = listing.class_names;
  const std::vector<int> places = places_among(classes, model_names);
  if (places.empty()) {
    if (std::ranges::all_of(classes, is_number)) return;  // numbers stand for themselves
    listing.notes.push_back(
        fmt::format("the model's file names {} classes ({}) and the data {} ({}), not all of them the same: "
                    "the data's are "
                    "numbered by their own order",
                    model_names.size(), shown(model_names), classes.size(), shown(classes)));
    return;
  }
  const bool same = classes.size() == model_names.size() && std::ranges::is_sorted(places);
  if (!same) {
    listing.notes.push_back(
        fmt::format("classes are numbered by the {} names in the model's file ({}), not by the order of the "
                    "folders ({}); "
                    "--class-order bytes numbers them by that",
                    model_names.size(), shown(model_names), shown(classes)));
  }
  listing.images.relabel(places);
  listing.class_names = model_names;
}

}  // namespace

std::vector<int> places_among(const std::vector<std::string>& classes,
                              const std::vector<std::string>& model_names) {
  std::map<std::string, int> places;
  for (std::size_t i = 0; i < model_names.size(); ++i)
    places.emplace(key_of(model_names[i]), static_cast<int>(i));
  std::vector<int> found;
  for (const std::string& name : classes) {
    const auto place = places.find(key_of(name));
    if (place == places.end()) return {};
    found.push_back(place->second);
  }
  return found;
}

std::vector<std::size_t> natural_order(const std::vector<std::string>& names) {
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return before_naturally(names[a], names[b]); });
  return order;
}

void number_classes(DatasetListing& listing, ClassOrder order, const std::vector<std::string>& model_names) {
  if (listing.class_names.empty() || order == ClassOrder::bytes) return;
  if (order == ClassOrder::automatic) {
    if (!model_names.empty()) number_by_model(listing, model_names);
    return;
  }
  const std::vector<std::size_t> by_value = natural_order(listing.class_names);
  std::vector<int> places(by_value.size());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < by_value.size(); ++i) {
    places[by_value[i]] = static_cast<int>(i);
    names.push_back(listing.class_names[by_value[i]]);
  }
  listing.images.relabel(places);
  listing.class_names = std::move(names);
}

}  // namespace calib8
