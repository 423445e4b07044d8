#include "select/shortage.h"

namespace calib8 {

std::vector<std::string> overlap_notes(const SetSizes& sizes, const Overlap& overlap, std::string_view what) {
  if (overlap.samples == 0) return {};
  if (overlap.samples == sizes.verification && overlap.is_beginning) {
    return {fmt::format(
        "verified on {} of the {} that calibrated, as there are no others: agreement may look too good",
        sizes.verification, what)};
  }
  return {fmt::format("{} of {} {} to verify on calibrated, too: agreement may look too good",
                      overlap.samples, sizes.verification, what)};
}

std::vector<std::string> shortage_notes(const DrawRequest& request, const SetSizes& sizes,
                                        const Overlap& overlap, std::string_view what) {
  std::vector<std::string> notes;
  const auto compare = [&](std::size_t found, std::size_t wanted, std::string_view purpose) {
    if (found < wanted)
      notes.push_back(
          fmt::format("{} of {} {} asked for to {}: there are no more", found, wanted, what, purpose));
  };
  compare(sizes.calibration, request.calibration, "calibrate");
  if (overlap.samples > 0) {
    notes.push_back(overlap_notes(sizes, overlap, what).front());
  } else {
    compare(sizes.verification, request.verification, "verify");
  }
  compare(sizes.selection, request.selection, "compare candidates on");
  return notes;
}

}  // namespace calib8
