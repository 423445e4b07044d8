#include "tasks/detection/detection_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace calib8 {
namespace {

constexpr std::size_t boxes = 3, numbers = 6;

/// Outputs are the boxes themselves: left, top, right, bottom, score, class.
DetectionHead plain_head() {
  return {"plain", 2, true, [](std::span<const float> outputs, float least, std::vector<FoundBox>& found) {
            for (std::size_t box = 0; box < outputs.size() / numbers; ++box) {
              const auto n = outputs.subspan(box * numbers, numbers);
              if (n[4] > least) found.push_back({{n[0], n[1], n[2], n[3]}, n[4], static_cast<int>(n[5])});
            }
          }};
}

std::vector<float> two_objects(float shift = 0) {
  return {10 + shift, 10,   30 + shift, 30, 0.9f, 0, 40 + shift, 40,   60 + shift,
          60,         0.8f, 1,          0,  0,    5, 5,          0.1f, 0};
}

DetectionSample labelled(std::vector<TrueBox> objects) {
  return {{64, 64, 64, 64, 0, 0}, std::move(objects)};
}
const std::vector<TrueBox> truth = {{{10, 10, 30, 30}, 0}, {{40, 40, 60, 60}, 1}};

TEST(DetectionTask, ComparesBothWithLabels) {
  const std::vector<std::vector<float>> of_float(12, two_objects()), of_quantized(12, two_objects(2));
  const DetectionTask task(plain_head(), std::vector(12, labelled(truth)), {.class_names = {"ant", "bee"}});
  const TaskScore score = task.score(of_float, of_quantized);
  EXPECT_EQ(score.against, "labels");
  EXPECT_EQ(score.pictures, 12u);
  EXPECT_EQ(score.objects, 24u);
  EXPECT_EQ(score.measures[0].name, "mAP50-95");
  EXPECT_DOUBLE_EQ(score.measures[0].of_float, 1);
  // Moved by 2 of 20 pixels: 18 / 22 of the boxes overlap, enough for 7 of the 10 limits.
  EXPECT_NEAR(score.measures[0].of_quantized, 0.7, 1e-9);
  EXPECT_DOUBLE_EQ(score.measures[1].of_quantized, 1);
  EXPECT_NEAR(score.loss, 0.3, 1e-9);
  EXPECT_NEAR(score.bounds.low, 0.3, 1e-9);
  EXPECT_FALSE(keeps_answers(score));
  ASSERT_EQ(score.parts.size(), 2u);
  EXPECT_EQ(score.parts[1].name, "bee");
  EXPECT_TRUE(keeps_answers(task.score(of_float, of_float)));
}

TEST(DetectionTask, TakesFloatsBoxesWhereNothingIsLabelled) {
  const std::vector<std::vector<float>> of_float(12, two_objects());
  const DetectionTask task(plain_head(), std::vector<DetectionSample>(12, {{64, 64, 64, 64, 0, 0}, {}}), {});
  const TaskScore score = task.score(of_float, std::vector<std::vector<float>>(12, two_objects(2)));
  EXPECT_EQ(score.against, "the float model's boxes");
  EXPECT_EQ(score.objects, 24u) << "of the third box it isn't sure";
  EXPECT_EQ(score.measures[0].name, "mAP50");
  EXPECT_DOUBLE_EQ(score.loss, 0);
  EXPECT_DOUBLE_EQ(score.most_loss, 0.05);
  const TaskScore lost = task.score(of_float, std::vector<std::vector<float>>(12, two_objects(15)));
  EXPECT_DOUBLE_EQ(lost.loss, 1);
}

TEST(DetectionTask, LabelsOfOtherThingsDecideNothing) {
  const std::vector<std::vector<float>> of_float(12, two_objects());
  const std::vector<TrueBox> elsewhere = {{{0, 50, 8, 60}, 0}};
  const DetectionTask task(plain_head(), std::vector(12, labelled(elsewhere)), {});
  const TaskScore score = task.score(of_float, of_float);
  EXPECT_EQ(score.against, "the float model's boxes");
  EXPECT_THAT(score.measures.back().name, testing::EndsWith("of labels"));
}

TEST(DetectionTask, NothingFoundDecidesNothing) {
  const std::vector<std::vector<float>> none(12, std::vector<float>(boxes * numbers, 0));
  const DetectionTask task(plain_head(), std::vector<DetectionSample>(12), {});
  EXPECT_THAT(task.score(none, none).undecided, testing::HasSubstr("no object"));
  EXPECT_FALSE(keeps_answers(task.score(none, none)));
}

TEST(DetectionTask, FewObjectsDecideNothing) {
  const DetectionTask task(plain_head(), std::vector(12, labelled(truth)), {});
  const std::vector<std::vector<float>> nine(9, two_objects()), ten(10, two_objects());
  EXPECT_EQ(task.score(nine, nine).undecided, "18 objects are too few to tell");
  EXPECT_FALSE(keeps_answers(task.score(nine, nine)));
  EXPECT_TRUE(keeps_answers(task.score(ten, ten)));
}

TEST(DetectionTask, ImagesWithoutObjectsPunishWhatIsFoundThere) {
  const std::vector<std::vector<float>> of_float(2, two_objects());
  const DetectionTask task(plain_head(), {labelled({}), labelled(truth)}, {});
  const TaskScore score = task.score(of_float, of_float);
  EXPECT_EQ(score.pictures, 2u);
  EXPECT_NEAR(score.measures[0].of_float, 0.5, 1e-9) << "half of what is found is nothing";
}

}  // namespace
}  // namespace calib8
