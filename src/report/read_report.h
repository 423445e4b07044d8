#pragma once

#include "report/export_report.h"
#include "report/json_fields.h"

namespace calib8 {

/// What summarize() shows of an export, out of its metadata: untrusted text. Members that it doesn't know, or
/// that older versions didn't write, may be there or not. Fails with ErrorCode::model where the object isn't
/// metadata, or a member has another type than calib8 writes.
ExportReport read_report(const JsonFields& metadata);

}  // namespace calib8
