#include "pipeline/gate.h"

#include <gtest/gtest.h>

#include <limits>

namespace calib8 {
namespace {

Verification with_agreement(int agreeing, int samples) {
  Verification verification;
  verification.samples = samples;
  verification.agreement = Agreement{agreeing, clopper_pearson(agreeing, samples)};
  return verification;
}

TEST(Gate, FailsOnlyWhereTheWholeIntervalLiesBelow) {
  EXPECT_TRUE(decide_gate(with_agreement(20, 20), 0.98).passed);
  EXPECT_TRUE(decide_gate(with_agreement(19, 20), 0.98).passed) << "the interval of 19 of 20 reaches 99.87 %";
  EXPECT_FALSE(decide_gate(with_agreement(15, 20), 0.98).passed);
  EXPECT_FALSE(decide_gate(with_agreement(940, 1000), 0.98).passed);
}

TEST(Gate, SaysWhatAProofWouldTake) {
  const GateDecision few = decide_gate(with_agreement(20, 20), 0.98);
  EXPECT_NE(few.verdict.find("doesn't prove"), std::string::npos);
  EXPECT_NE(few.next_step.find("--verify-samples 183"), std::string::npos);
  EXPECT_GE(clopper_pearson(183, 183).low, 0.98);
  EXPECT_LT(clopper_pearson(182, 182).low, 0.98);
  EXPECT_TRUE(decide_gate(with_agreement(1000, 1000), 0.98).next_step.empty());
}

TEST(Gate, DoesNotJudgeWhatIsNoClassifier) {
  const GateDecision decision = decide_gate(Verification{}, 0.98);
  EXPECT_TRUE(decision.passed);
  EXPECT_NE(decision.verdict.find("not judged"), std::string::npos);
}

TEST(Gate, FailsWhereOutputsAreNoNumbers) {
  Verification verification = with_agreement(20, 20);
  verification.sqnr_decibels = std::numeric_limits<double>::quiet_NaN();
  for (const double least : {0.0, 0.98}) {
    EXPECT_FALSE(decide_gate(verification, least).passed) << "agreement of NaN with NaN is none";
    EXPECT_NE(decide_gate(verification, least).verdict.find("NaN"), std::string::npos);
  }
  verification.agreement.reset();
  EXPECT_FALSE(decide_gate(verification, 0.98).passed) << "whatever the task";
}

TEST(Gate, FailsWhereOutputsAreDead) {
  Verification verification;
  verification.samples = 20;
  verification.constant_outputs = true;
  const GateDecision decision = decide_gate(verification, 0);
  EXPECT_FALSE(decision.passed);
  EXPECT_NE(decision.verdict.find("the same for all of 20"), std::string::npos);
}

}  // namespace
}  // namespace calib8
