#include "worker/litert_api.h"

namespace calib8::litert {

const char* name_of_status(Status status) {
  switch (status) {
    case 0:
      return "Ok";
    case 1:
      return "InvalidArgument";
    case 2:
      return "MemoryAllocation";
    case 3:
      return "RuntimeFailure";
    case 4:
      return "MissingInputTensor";
    case 5:
      return "Unsupported";
    case 6:
      return "NotFound";
    case 7:
      return "Timeout";
    case 8:
      return "WrongVersion";
    case 9:
      return "Unknown";
    case 10:
      return "AlreadyExists";
    case 100:
      return "Cancelled";
    case 500:
      return "FileIO";
    case 501:
      return "InvalidFlatbuffer";
    case 502:
      return "DynamicLoading";
    case 503:
      return "Serialization";
    case 504:
      return "Compilation";
    case 1000:
      return "IndexOutOfBounds";
    case 1001:
      return "InvalidIrType";
    case 1002:
      return "InvalidGraphInvariant";
    case 1003:
      return "GraphModification";
    default:
      return "unknown";
  }
}

}  // namespace calib8::litert
