#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace calib8 {

/// An op as LiteRT ran it: several ops of the model where XNNPACK fused them, or one of its parts.
struct ProfiledOp {
  std::string type;         ///< "Fully Connected (NC, QS8, QC8W) GEMM" inside XNNPACK, "FLOOR_MOD" outside.
  bool delegated = false;   ///< Whether XNNPACK ran it.
  double milliseconds = 0;  ///< The mean over the runs, to the microsecond.

  bool operator==(const ProfiledOp&) const = default;
};

/// The table "Run Order" of the text that LiteRT gives as its profile. Fails with ErrorCode::runtime where
/// the text has none, as a later LiteRT might.
std::vector<ProfiledOp> parse_profile(std::string_view summary);

/// Into how many parts the model fell inside XNNPACK: 1 where it runs all, or all but a beginning and an end.
int count_partitions(std::span<const ProfiledOp> profile);

}  // namespace calib8
