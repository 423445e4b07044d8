#include "pipeline/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace calib8 {
namespace {

using testing::HasSubstr;

OutputFidelity output_of(double decibels, double low, double high, std::string name = "y") {
  return {std::move(name), {{decibels, low, high}, false}, {}, {}};
}

Verification with_agreement(int agreeing, int samples) {
  Verification verification;
  verification.samples = samples;
  verification.agreement = Agreement{agreeing, clopper_pearson(agreeing, samples)};
  verification.sqnr_decibels = 30;
  verification.outputs = {output_of(30, 29, 31)};
  return verification;
}

Verification with_outputs(std::vector<OutputFidelity> outputs, int samples = 20) {
  Verification verification;
  verification.samples = samples;
  verification.outputs = std::move(outputs);
  return verification;
}

GateDecision decide(const Verification& verification, double min_agreement = 0.98) {
  return decide_gate(verification, {.min_agreement = min_agreement});
}

TEST(Gate, OfClassifiersFollowsTheInterval) {
  EXPECT_EQ(decide(with_agreement(183, 183)).verdict, Verdict::proven);
  EXPECT_EQ(decide(with_agreement(182, 182)).verdict, Verdict::unproven);
  EXPECT_EQ(decide(with_agreement(20, 20)).verdict, Verdict::unproven);
  EXPECT_EQ(decide(with_agreement(19, 20)).verdict, Verdict::unproven)
      << "the interval of 19 of 20 reaches 99.87 %";
  EXPECT_EQ(decide(with_agreement(15, 20)).verdict, Verdict::failed);
  EXPECT_EQ(decide(with_agreement(940, 1000)).verdict, Verdict::failed);
  EXPECT_THAT(decide(with_agreement(20, 20), 0).sentence, HasSubstr("unproven: nothing was asked for"));
}

Verification with_task(double loss, double low, double high, std::size_t pictures = 100) {
  Verification verification = with_outputs({output_of(8, 7, 9)});  // decibels that would fail
  verification.task = TaskScore{.task = "detection",
                                .against = "labels",
                                .pictures = pictures,
                                .objects = 300,
                                .measures = {{"mAP50-95", 0.7, 0.7 - loss}},
                                .loss = loss,
                                .bounds = {low, high},
                                .most_loss = 0.01};
  return verification;
}

TEST(Gate, OfDetectorsFollowsWhatIsLost) {
  EXPECT_EQ(decide(with_task(0.002, -0.003, 0.008)).verdict, Verdict::proven);
  EXPECT_EQ(decide(with_task(0.002, -0.003, 0.018)).verdict, Verdict::unproven);
  EXPECT_EQ(decide(with_task(0.05, 0.02, 0.09)).verdict, Verdict::failed);
  EXPECT_EQ(decide(with_task(0.002, 0.001, 0.003, 19)).verdict, Verdict::unproven)
      << "few pictures tell little";
  EXPECT_THAT(decide(with_task(0.05, 0.02, 0.09)).sentence,
              HasSubstr("mAP50-95 is 0.6500, float 0.7000, against labels (100 pictures, 300 objects)"));
}

TEST(Gate, OfDetectorsFollowsDecibelsWhereNothingIsDecided) {
  Verification undecided = with_task(0, 0, 0);
  undecided.task->undecided = "the float model is sure of no object";
  EXPECT_THAT(decide(undecided).sentence, HasSubstr("8.0 dB"));
  EXPECT_THAT(decide_gate(with_task(0, 0, 0), {.judges_task = false}).sentence, HasSubstr("8.0 dB"));
  Verification dead = with_task(0, 0, 0);
  dead.outputs[0].fidelity.dead = true;
  EXPECT_EQ(decide(dead).verdict, Verdict::failed);
}

TEST(Gate, SaysHowManyImagesAreMissing) {
  const GateDecision few = decide(with_agreement(20, 20));
  EXPECT_THAT(few.sentence, HasSubstr("unproven: int8 agrees with float on 20 of 20"));
  EXPECT_THAT(few.sentence, HasSubstr("183 images without a further difference, 163 more"));
  EXPECT_THAT(few.next_step, HasSubstr("add 163 images"));
  EXPECT_THAT(decide_gate(with_agreement(20, 20), {.more_samples = true}).next_step,
              HasSubstr("--verify-samples 183"));

  const GateDecision one_differs = decide(with_agreement(199, 200));
  EXPECT_THAT(one_differs.sentence, HasSubstr("it takes 277 images"));
  EXPECT_GE(clopper_pearson(276, 277).low, 0.98);
  EXPECT_LT(clopper_pearson(275, 276).low, 0.98);
}

TEST(Gate, NeverPassesAnOutputThatIsMostlyError) {
  Verification verification = with_agreement(200, 200);
  verification.outputs = {output_of(9.5, 9, 10.5)};
  EXPECT_EQ(decide(verification).verdict, Verdict::failed);
  EXPECT_THAT(decide(verification).sentence, HasSubstr("the class agrees on 200 of 200"));
  EXPECT_EQ(decide_gate(verification, {.min_sqnr = 5}).verdict, Verdict::proven) << "it was asked for";
  EXPECT_EQ(decide_gate(with_outputs({output_of(-17, -18, -16)}), {}).verdict, Verdict::failed);
  EXPECT_EQ(decide_gate(with_outputs({output_of(-17, -18, -16)}), {.min_sqnr = {}}).verdict,
            Verdict::unproven);
}

TEST(Gate, OfOtherModelsFollowsTheWorstOutput) {
  const auto verdict = [](std::vector<OutputFidelity> outputs, int samples = 20) {
    return decide_gate(with_outputs(std::move(outputs), samples), {}).verdict;
  };
  EXPECT_EQ(verdict({output_of(25, 21, 29)}), Verdict::proven);
  EXPECT_EQ(verdict({output_of(25, 19, 31)}), Verdict::unproven);
  EXPECT_EQ(verdict({output_of(15, 11, 19)}), Verdict::failed);
  EXPECT_EQ(verdict({output_of(40, 39, 41), output_of(15, 11, 19)}), Verdict::failed);
  EXPECT_EQ(verdict({output_of(40, 39, 41), output_of(22, 19, 25)}), Verdict::unproven);
  EXPECT_EQ(verdict({output_of(25, 21, 29)}, 4), Verdict::unproven) << "four samples prove nothing";
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(verdict({output_of(infinity, infinity, infinity)}), Verdict::proven);

  const GateDecision named =
      decide_gate(with_outputs({output_of(40, 39, 41, "boxes"), output_of(15, 11, 19, "scores")}), {});
  EXPECT_THAT(named.sentence, HasSubstr("output 'scores' is 15.0 dB above its error"));
}

TEST(Gate, FailsWhereOutputsAreNoNumbers) {
  Verification verification = with_agreement(20, 20);
  verification.sqnr_decibels = std::numeric_limits<double>::quiet_NaN();
  for (const double least : {0.0, 0.98}) {
    EXPECT_EQ(decide(verification, least).verdict, Verdict::failed) << "agreement of NaN with NaN is none";
    EXPECT_THAT(decide(verification, least).sentence, HasSubstr("NaN"));
  }
  verification.agreement.reset();
  EXPECT_EQ(decide(verification).verdict, Verdict::failed) << "whatever the task";
}

TEST(Gate, FailsWhereOutputsAreDead) {
  OutputFidelity dead = output_of(12, 11, 13, "scores");
  dead.fidelity.dead = true;
  const GateDecision decision =
      decide_gate(with_outputs({output_of(40, 39, 41), dead}), {.min_agreement = 0, .min_sqnr = {}});
  EXPECT_EQ(decision.verdict, Verdict::failed);
  EXPECT_THAT(decision.sentence, HasSubstr("output 'scores' is the same for all of 20"));
}

TEST(Gate, NamesThePartThatAJoinLost) {
  OutputFidelity output = output_of(45, 44, 46);
  output.parts = {{"boxes", "MUL", {{46, 45, 47}, false}}, {"score", "LOGISTIC", {{0.1, 0, 0.2}, false}}};
  const GateDecision decision = decide_gate(with_outputs({output}), {});
  EXPECT_EQ(decision.verdict, Verdict::failed);
  EXPECT_THAT(decision.sentence, HasSubstr("'score' (LOGISTIC) is lost"));
  EXPECT_THAT(decision.next_step, HasSubstr("--io float32"));
}

}  // namespace
}  // namespace calib8
