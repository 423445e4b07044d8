#include "discover/split_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <tuple>

#include "base/text.h"

namespace calib8 {
namespace {

struct SplitWord {
  std::string_view word;
  SplitKind kind;
};

/// In the order in which they are taken.
constexpr std::array<SplitWord, 17> kWords = {{{"val", SplitKind::validation},
                                               {"valid", SplitKind::validation},
                                               {"validation", SplitKind::validation},
                                               {"validate", SplitKind::validation},
                                               {"dev", SplitKind::development},
                                               {"devel", SplitKind::development},
                                               {"development", SplitKind::development},
                                               {"eval", SplitKind::development},
                                               {"evaluation", SplitKind::development},
                                               {"holdout", SplitKind::development},
                                               {"test", SplitKind::test},
                                               {"tests", SplitKind::test},
                                               {"testing", SplitKind::test},
                                               {"train", SplitKind::training},
                                               {"training", SplitKind::training},
                                               {"trn", SplitKind::training},
                                               {"trainval", SplitKind::training}}};
constexpr std::array<std::string_view, 22> kSilent = {
    "set",    "sets", "data",  "dataset", "datasets", "images", "image", "imgs",   "img",  "pictures", "pics",
    "photos", "seg",  "split", "splits",  "part",     "full",   "final", "labels", "list", "files",    "obj"};

/// Place in kWords, or its size; also of "trainset" and "testdata".
std::size_t place_of(std::string_view word) {
  const auto find = [](std::string_view wanted) {
    return static_cast<std::size_t>(std::ranges::find(kWords, wanted, &SplitWord::word) - kWords.begin());
  };
  if (const std::size_t place = find(word); place < kWords.size()) return place;
  for (const std::string_view tail : {"set", "sets", "data", "images", "imgs", "labels"}) {
    if (word.size() > tail.size() && word.ends_with(tail)) {
      const std::size_t place = find(word.substr(0, word.size() - tail.size()));
      if (place < kWords.size()) return place;
    }
  }
  return kWords.size();
}

/// "seg_train2017" -> "seg", "train"; numbers are dropped. A change from small to large letters parts, too.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool parted = true;
  char before = 0;
  for (const char c : name) {
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    const bool hump =
        std::isupper(static_cast<unsigned char>(c)) && std::islower(static_cast<unsigned char>(before));
    if (letter && (parted || hump)) words.emplace_back();
    if (letter) words.back() += c;
    parted = !letter;
    before = c;
  }
  for (std::string& word : words) word = lower_case(word);
  return words;
}

/// The place in kWords that a name stands for: that of training where it names several, as "train_val" is
/// seen.
std::size_t rank_of(std::string_view name) {
  std::size_t rank = kWords.size();
  for (const std::string& word : words_of(name)) {
    const std::size_t place = place_of(word);
    if (place == kWords.size()) {
      if (std::ranges::find(kSilent, word) == kSilent.end()) return kWords.size();
    } else if (rank == kWords.size() || kWords[place].kind == SplitKind::training) {
      rank = place;
    }
  }
  return rank;
}

std::vector<std::string> splits_of(const std::vector<std::string>& names, bool training) {
  std::vector<std::string> found;
  for (const std::string& name : names) {
    const SplitKind kind = split_of(name);
    if (kind != SplitKind::none && (kind == SplitKind::training) == training) found.push_back(name);
  }
  std::ranges::stable_sort(found, {},
                           [](const std::string& name) { return std::pair(rank_of(name), name.size()); });
  return found;
}

}  // namespace

SplitKind split_of(std::string_view name) {
  const std::size_t rank = rank_of(name);
  return rank == kWords.size() ? SplitKind::none : kWords[rank].kind;
}

std::vector<std::string> held_out_splits(const std::vector<std::string>& names) {
  return splits_of(names, false);
}

std::vector<std::string> training_splits(const std::vector<std::string>& names) {
  return splits_of(names, true);
}

}  // namespace calib8
