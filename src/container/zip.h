#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace calib8 {

/// A file inside an archive.
struct ZipMember {
  std::string name;
  /// The bytes as they lie in the archive: the content where `stored`, compressed otherwise.
  Data data;
  std::uint32_t checksum = 0;  ///< CRC-32 of the content, as the archive claims it.
  bool stored = true;          ///< Not compressed.
  bool deflated = false;       ///< Compressed by DEFLATE (RFC 1951).
  std::uint64_t size = 0;      ///< Bytes of the content, as the archive claims it.
};

/// The directory of an archive whose headers have been checked against each other.
struct ZipArchive {
  std::vector<ZipMember> members;  ///< In the order of the central directory.
  std::map<std::string, std::size_t, std::less<>> index;
  std::string where;  ///< The archive's name in errors.

  /// The member of that name, or nullptr.
  const ZipMember* find(std::string_view name) const;
};

/// Reads the directory of a ZIP archive (PKWARE APPNOTE 6.3.9, ZIP64 included) as torch.save and torch.export
/// write it, and refuses the rest: bytes after the end record, several disks, encryption, duplicate names,
/// members that overlap or leave the file, local headers or data descriptors that differ from the central
/// directory. No content is read or copied. Fails with ErrorCode::model.
ZipArchive open_zip(const Data& bytes, std::string where);

/// The content of a member, after its checksum has been verified: a view into the archive. Fails with
/// ErrorCode::model where the checksum is wrong or the member is compressed.
Data read_member(const ZipArchive& archive, const ZipMember& member);

}  // namespace calib8
