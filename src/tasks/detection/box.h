#pragma once

namespace calib8 {

/// A box by its corners, in pixels of whatever picture is meant. Empty where right <= left or bottom <= top.
struct Corners {
  float left = 0, top = 0, right = 0, bottom = 0;
};

/// What a detector says.
struct FoundBox {
  Corners at;
  float score = 0;  ///< 0 to 1.
  int class_index = 0;
};

/// What a label says.
struct TrueBox {
  Corners at;
  int class_index = 0;
  bool is_crowd = false;  ///< Many objects in one box: what is found there counts neither for nor against.
};

}  // namespace calib8
