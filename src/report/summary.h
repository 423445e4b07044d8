#pragma once

#include <string>

#include "report/export_report.h"

namespace calib8 {

/// The report of an export for people: what was found, what was used, sizes, speed, agreement with its
/// interval, the worst layers, the next step. Each line is safe to print, whatever names of files and tensors
/// hold.
std::string summarize(const ExportReport& report);

}  // namespace calib8
