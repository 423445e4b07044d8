#include "tasks/detection/average_precision.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>
#include <set>

namespace calib8 {
namespace {

constexpr std::size_t recalls = 101;

/// As numpy.linspace(0.5, 0.95, 10) has them.
double least_overlap(std::size_t index) {
  constexpr double first = 0.5, last = 0.95;
  if (index + 1 == BoxMatches::overlaps) return last;
  return first + static_cast<double>(index) * ((last - first) / (BoxMatches::overlaps - 1));
}

double area(const Corners& box) {
  return (double{box.right} - box.left) * (double{box.bottom} - box.top);
}

/// Intersection over union; over the found box alone where the object is a crowd.
double overlap(const FoundBox& found, const TrueBox& object) {
  const Corners &a = found.at, &b = object.at;
  const double width = double{std::min(a.right, b.right)} - std::max(a.left, b.left);
  const double height = double{std::min(a.bottom, b.bottom)} - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const double shared = width * height;
  return shared / (object.is_crowd ? area(a) : area(a) + area(b) - shared);
}

}  // namespace

BoxMatches::BoxMatches(std::span<const std::vector<FoundBox>> found,
                       std::span<const std::vector<TrueBox>> objects)
    : pictures_(found.size()) {
  assert(found.size() == objects.size());
  std::set<int> indices;
  for (const auto& boxes : objects) {
    for (const TrueBox& box : boxes) indices.insert(box.class_index);
  }
  for (const int index : indices) classes_.push_back({index, {}, {}});
  for (std::size_t picture = 0; picture < pictures_; ++picture) {
    for (Class& of : classes_)
      match_picture(static_cast<std::uint32_t>(picture), found[picture], objects[picture], of);
  }
  for (Class& of : classes_)
    std::ranges::stable_sort(of.matches, [](const Match& a, const Match& b) { return a.score > b.score; });
}

/// Each box, the best first, takes the object that it overlaps most, of those that none took: by the rules of
/// pycocotools' evaluateImg.
void BoxMatches::match_picture(std::uint32_t picture, const std::vector<FoundBox>& found,
                               const std::vector<TrueBox>& objects, Class& of) {
  std::vector<const FoundBox*> boxes;
  for (const FoundBox& box : found) {
    if (box.class_index == of.index) boxes.push_back(&box);
  }
  std::ranges::stable_sort(boxes, [](const FoundBox* a, const FoundBox* b) { return a->score > b->score; });
  boxes.resize(std::min(boxes.size(), most_of_class));
  std::vector<const TrueBox*> wanted;
  for (const TrueBox& box : objects) {
    if (box.class_index == of.index) wanted.push_back(&box);
  }
  std::ranges::stable_partition(wanted, [](const TrueBox* box) { return !box->is_crowd; });
  for (const TrueBox* box : wanted) {
    if (!box->is_crowd) of.objects.push_back(picture);
  }
  std::vector<std::array<bool, overlaps>> taken(wanted.size(), std::array<bool, overlaps>{});
  for (const FoundBox* box : boxes) {
    Match match{box->score, picture};
    std::vector<double> shares;
    for (const TrueBox* object : wanted) shares.push_back(overlap(*box, *object));
    for (std::size_t level = 0; level < overlaps; ++level) {
      double least = std::min(least_overlap(level), 1 - 1e-10);
      std::size_t best = wanted.size();
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (taken[i][level] && !wanted[i]->is_crowd) continue;
        if (best < wanted.size() && !wanted[best]->is_crowd && wanted[i]->is_crowd) break;
        if (shares[i] < least) continue;
        least = shares[i];
        best = i;
      }
      if (best == wanted.size()) continue;
      taken[best][level] = true;
      (wanted[best]->is_crowd ? match.is_ignored : match.is_true) |= static_cast<std::uint16_t>(1u << level);
    }
    of.matches.push_back(match);
  }
}

bool BoxMatches::compute(const Class& of, std::span<const int> times, Precisions& precisions) {
  const double objects = std::accumulate(of.objects.begin(), of.objects.end(), 0.0,
                                         [&](double sum, std::uint32_t i) { return sum + times[i]; });
  if (objects == 0) return false;
  std::vector<double> recall, precision;
  for (std::size_t level = 0; level < overlaps; ++level) {
    recall.clear();
    precision.clear();
    double is_true = 0, is_false = 0;
    for (const Match& match : of.matches) {
      const int count = times[match.picture];
      if (count == 0 || (match.is_ignored >> level & 1) != 0) continue;
      ((match.is_true >> level & 1) != 0 ? is_true : is_false) += count;
      recall.push_back(is_true / objects);
      precision.push_back(is_true / (is_true + is_false + std::numeric_limits<double>::epsilon()));
    }
    for (std::size_t i = precision.size(); i-- > 1;)
      precision[i - 1] = std::max(precision[i - 1], precision[i]);
    double sum = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < recalls; ++i) {
      const double wanted = i + 1 == recalls ? 1.0 : 0.01 * static_cast<double>(i);
      while (at < recall.size() && recall[at] < wanted) ++at;
      if (at == recall.size()) break;
      sum += precision[at];
    }
    precisions[level] = sum / recalls;
  }
  return true;
}

MeanPrecision BoxMatches::precision(std::span<const int> times) const {
  assert(times.size() == pictures_);
  MeanPrecision mean;
  int counted = 0;
  for (const Class& of : classes_) {
    Precisions precisions;
    if (!compute(of, times, precisions)) continue;
    ++counted;
    mean.at_50 += precisions[0];
    mean.at_50_95 += std::accumulate(precisions.begin(), precisions.end(), 0.0) / overlaps;
  }
  if (counted > 0) mean = {mean.at_50 / counted, mean.at_50_95 / counted};
  return mean;
}

MeanPrecision BoxMatches::precision() const {
  return precision(std::vector<int>(pictures_, 1));
}

std::vector<BoxMatches::OfClass> BoxMatches::by_class() const {
  const std::vector<int> once(pictures_, 1);
  std::vector<OfClass> classes;
  for (const Class& of : classes_) {
    Precisions precisions;
    if (!compute(of, once, precisions)) continue;
    classes.push_back(
        {of.index,
         of.objects.size(),
         {precisions[0], std::accumulate(precisions.begin(), precisions.end(), 0.0) / overlaps}});
  }
  return classes;
}

std::size_t BoxMatches::objects() const {
  std::size_t count = 0;
  for (const Class& of : classes_) count += of.objects.size();
  return count;
}

}  // namespace calib8
