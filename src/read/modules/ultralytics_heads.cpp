// Ultralytics' heads, in the form that their own export to TFLite gives them: boxes in pixels of the input
// and scores from 0 to 1 as one output [1, 4 + classes, boxes], for non-maximum suppression to choose among.
// What is behind the boxes and scores (masks' coefficients, keypoints, an angle) stands in the same output.
//
// Models that train a second head of one box an object (v10, 26) are taken by their first head, as that
// export does: choosing by TopK inside the model has no integer form.

#include <algorithm>
#include <numbers>

#include "calib8/error.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

/// The points that boxes are told from, one a pixel of each feature map.
struct Anchors {
  OnnxValueId points;   ///< [1, 2, boxes]: x and y in units of the map's pixels.
  OnnxValueId strides;  ///< [1, 1, boxes]: the input's pixels in one of the map's.
};

Anchors make_anchors(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  constexpr std::int64_t most_boxes = 1 << 22;
  const auto stride = self.tensor("stride");
  if (!stride || stride->count() != static_cast<std::int64_t>(x.size()))
    self.fail("has no stride for each of its " + std::to_string(x.size()) + " feature maps");
  const std::vector<float> steps = to_float(*stride);
  std::vector<float> across, down, strides;
  for (std::size_t level = 0; level < x.size(); ++level) {
    const Shape sizes = build.shape(self, x[level], 4);
    if (sizes[2] * sizes[3] > most_boxes - static_cast<std::int64_t>(strides.size()))
      self.fail("makes more boxes than any detector: name a smaller --input-size");
    for (std::int64_t row = 0; row < sizes[2]; ++row) {
      for (std::int64_t column = 0; column < sizes[3]; ++column) {
        across.push_back(static_cast<float>(column) + 0.5f);
        down.push_back(static_cast<float>(row) + 0.5f);
        strides.push_back(steps[level]);
      }
    }
  }
  const auto count = static_cast<std::int64_t>(strides.size());
  across.insert(across.end(), down.begin(), down.end());
  return {build.constant(self, "anchors", make_tensor({1, 2, count}, std::move(across))),
          build.constant(self, "strides", make_tensor({1, 1, count}, std::move(strides)))};
}

/// A list's modules, one a feature map, side by side: [1, channels, boxes].
OnnxValueId over_levels(ForwardBuilder& build, const PickledModule& self, const PickledModule& list,
                        const Values& x, std::int64_t channels) {
  if (list.children().size() != x.size() || x.empty())
    list.fail("has " + std::to_string(list.children().size()) + " modules for " + std::to_string(x.size()) +
              " feature maps");
  Values parts;
  for (std::size_t level = 0; level < x.size(); ++level)
    parts.push_back(
        build.reshape(self, build.run(*list.children()[level].second, x[level]), {0, channels, -1}));
  return build.concat(self, parts, 2);
}

/// The list of that name, of the only head that fusing has left where the first is gone.
const PickledModule& head_list(const PickledModule& self, const std::string& name) {
  const PickledModule* list = self.find_child(name);
  return list ? *list : self.child("one2one_" + name);
}

struct Detection {
  OnnxValueId distances;  ///< [1, 4, boxes]: of the sides from the anchors, left, top, right, bottom.
  OnnxValueId scores;     ///< [1, classes, boxes], 0 to 1.
  Anchors anchors;
};

Detection detect_parts(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  const OnnxValueId sides =
      over_levels(build, self, head_list(self, "cv2"), x, 4 * self.integer("reg_max", 16));
  const OnnxValueId scores = over_levels(build, self, head_list(self, "cv3"), x, self.integer("nc", 80));
  const PickledModule* spread = self.find_child("dfl");
  return {spread ? build.run(*spread, sides) : sides, build.sigmoid(self, scores),
          make_anchors(build, self, x)};
}

/// Center, width and height in pixels.
OnnxValueId boxes(ForwardBuilder& build, const PickledModule& self, const Detection& found) {
  const Values corners = build.split(self, found.distances, {2, 2}, 1);
  const OnnxValueId first = build.emit(self, "Sub", {found.anchors.points, corners[0]}, {}, "first");
  const OnnxValueId second = build.add(self, found.anchors.points, corners[1]);
  const OnnxValueId center =
      build.emit(self, "Div", {build.add(self, first, second), build.number(self, "two", 2)}, {}, "center");
  const OnnxValueId size = build.emit(self, "Sub", {second, first}, {}, "size");
  return build.multiply(self, build.concat(self, {center, size}, 1), found.anchors.strides);
}

Values detect(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  const Detection found = detect_parts(build, self, x);
  return {build.concat(self, {boxes(build, self, found), found.scores}, 1)};
}

OnnxValueId with_masks(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  const Detection found = detect_parts(build, self, x);
  const OnnxValueId masks = over_levels(build, self, head_list(self, "cv4"), x, self.integer("nm", 32));
  return build.concat(self, {boxes(build, self, found), found.scores, masks}, 1);
}

/// And the prototypes that masks are sums of.
Values segment(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  if (x.empty()) self.fail("is given no feature map");
  return {with_masks(build, self, x), build.run(self.child("proto"), x.front())};
}

Values segment_26(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  return {with_masks(build, self, x), build.run(self.child("proto"), x)};
}

/// Keypoints [1, points * numbers, boxes] in pixels, with their visibility where a point has three numbers.
/// `scale` and `shift` are what the head's version makes of the network's offsets.
OnnxValueId decode_keypoints(ForwardBuilder& build, const PickledModule& self, OnnxValueId raw,
                             const Anchors& anchors, double scale, double shift) {
  const std::vector<std::int64_t> form = self.all_integers("kpt_shape");
  if (form.size() != 2 || form[0] < 1 || form[1] < 2 || form[1] > 3)
    self.fail("has keypoints of a form that it can't");
  const std::int64_t count = build.shape(self, raw, 3)[2];
  const OnnxValueId points = build.reshape(self, raw, {0, form[0], form[1], -1});
  OnnxValueId place = build.slice(self, points, 2, 0, 2);
  if (scale != 1) place = build.multiply(self, place, build.number(self, "scale", scale));
  OnnxValueId origin = build.reshape(self, anchors.points, {1, 1, 2, count});
  if (shift != 0)
    origin = build.emit(self, "Sub", {origin, build.number(self, "shift", shift)}, {}, "origin");
  place = build.multiply(self, build.add(self, place, origin),
                         build.reshape(self, anchors.strides, {1, 1, 1, count}));
  if (form[1] == 3)
    place = build.concat(self, {place, build.sigmoid(self, build.slice(self, points, 2, 2, 3))}, 2);
  return build.reshape(self, place, {0, form[0] * form[1], -1});
}

std::int64_t keypoint_numbers(const PickledModule& self) {
  const std::vector<std::int64_t> form = self.all_integers("kpt_shape");
  return self.integer("nk", form.size() == 2 ? form[0] * form[1] : 0);
}

Values pose(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  const Detection found = detect_parts(build, self, x);
  const OnnxValueId raw = over_levels(build, self, head_list(self, "cv4"), x, keypoint_numbers(self));
  const OnnxValueId points = decode_keypoints(build, self, raw, found.anchors, 2, 0.5);
  return {build.concat(self, {boxes(build, self, found), found.scores, points}, 1)};
}

Values pose_26(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  const Detection found = detect_parts(build, self, x);
  const PickledModule& list = head_list(self, "cv4");
  if (list.children().size() != x.size()) list.fail("has no module for each feature map");
  Values features;
  for (std::size_t level = 0; level < x.size(); ++level)
    features.push_back(build.run(*list.children()[level].second, x[level]));
  const OnnxValueId raw =
      over_levels(build, self, head_list(self, "cv4_kpts"), features, keypoint_numbers(self));
  const OnnxValueId points = decode_keypoints(build, self, raw, found.anchors, 1, 0);
  return {build.concat(self, {boxes(build, self, found), found.scores, points}, 1)};
}

/// Boxes turned by an angle: the center moves along the box's own axes.
OnnxValueId turned_boxes(ForwardBuilder& build, const PickledModule& self, const Detection& found,
                         OnnxValueId angle) {
  const Values corners = build.split(self, found.distances, {2, 2}, 1);
  const OnnxValueId half = build.emit(
      self, "Div",
      {build.emit(self, "Sub", {corners[1], corners[0]}, {}, "across"), build.number(self, "two", 2)}, {},
      "half");
  const Values offset = build.split(self, half, {1, 1}, 1);
  const OnnxValueId cosine = build.emit(self, "Cos", {angle}, {}, "cos");
  const OnnxValueId sine = build.emit(self, "Sin", {angle}, {}, "sin");
  const OnnxValueId x = build.emit(
      self, "Sub", {build.multiply(self, offset[0], cosine), build.multiply(self, offset[1], sine)}, {}, "x");
  const OnnxValueId y =
      build.add(self, build.multiply(self, offset[0], sine), build.multiply(self, offset[1], cosine));
  const OnnxValueId center = build.add(self, build.concat(self, {x, y}, 1), found.anchors.points);
  const OnnxValueId size = build.add(self, corners[0], corners[1]);
  return build.multiply(self, build.concat(self, {center, size}, 1), found.anchors.strides);
}

Values turned(ForwardBuilder& build, const PickledModule& self, const Values& x, bool in_radians) {
  const Detection found = detect_parts(build, self, x);
  OnnxValueId angle = over_levels(build, self, head_list(self, "cv4"), x, self.integer("ne", 1));
  if (!in_radians) {
    const OnnxValueId shifted = build.emit(
        self, "Sub", {build.sigmoid(self, angle), build.number(self, "quarter", 0.25)}, {}, "shifted");
    angle = build.multiply(self, shifted, build.number(self, "pi", std::numbers::pi));
  }
  return {build.concat(self, {turned_boxes(build, self, found, angle), found.scores, angle}, 1)};
}

Values obb(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  return turned(build, self, x, false);
}

Values obb_26(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  return turned(build, self, x, true);
}

/// Scores that sum to 1.
Values classify(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  OnnxValueId y = x.size() == 1 ? x.front() : build.concat(self, x, 1);
  y = build.flatten(self, build.run(self, "pool", build.run(self, "conv", y)));
  return {build.softmax(self, build.run(self, "linear", y), 1)};
}

/// Each side's distance is the mean of a distribution over reg_max steps.
OnnxValueId distribution_focal(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  const Shape sizes = build.shape(self, x, 3);
  const OnnxValueId sides = build.reshape(self, x, {0, 4, self.integer("c1", 16), sizes[2]});
  const OnnxValueId steps = build.softmax(self, build.transpose(self, sides, {0, 2, 1, 3}), 1);
  return build.reshape(self, build.run(self, "conv", steps), {0, 4, sizes[2]});
}

OnnxValueId proto(ForwardBuilder& build, const PickledModule& self, OnnxValueId x) {
  x = build.run(self, "upsample", build.run(self, "cv1", x));
  return build.run(self, "cv3", build.run(self, "cv2", x));
}

/// All feature maps, each enlarged to the first one's size.
Values proto_26(ForwardBuilder& build, const PickledModule& self, const Values& x) {
  const PickledModule& refine = self.child("feat_refine");
  if (x.empty() || refine.children().size() + 1 != x.size()) self.fail("has no module for each feature map");
  OnnxValueId sum = x.front();
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const OnnxValueId map = build.run(*refine.children()[i].second, x[i + 1]);
    sum = build.add(self, sum, build.enlarge(self, map, std::int64_t{2} << std::min<std::size_t>(i, 30)));
  }
  return {proto(build, self, build.run(self, "feat_fuse", sum))};
}

constexpr std::string_view heads = "ultralytics.nn.modules.head", blocks = "ultralytics.nn.modules.block";

constexpr ModuleRow rows[] = {
    {heads, "Detect", detect},     {heads, "v10Detect", detect},
    {heads, "Segment", segment},   {heads, "Segment26", segment_26},
    {heads, "Pose", pose},         {heads, "Pose26", pose_26},
    {heads, "OBB", obb},           {heads, "OBB26", obb_26},
    {heads, "Classify", classify}, {blocks, "DFL", distribution_focal},
    {blocks, "Proto", proto},      {blocks, "Proto26", proto_26},
};

}  // namespace

std::span<const ModuleRow> ultralytics_head_rows() {
  return rows;
}

}  // namespace calib8
