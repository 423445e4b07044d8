#include "container/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "calib8/error.h"
#include "container/archive_for_tests.h"
#include "container/byte_cursor.h"

namespace calib8 {
namespace {

using testing::HasSubstr;

std::string refusal_of(const std::string& archive) {
  try {
    const ZipArchive opened = open_zip(data_of(archive), "test.pth");
    for (const ZipMember& member : opened.members) read_member(opened, member);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    EXPECT_EQ(error.where(), "test.pth");
    return error.message();
  }
  return "read";
}

const std::vector<ArchiveMember> two_members = {{"a/data.pkl", "pickle"},
                                                {"a/data/0", std::string(100, '\x7f')}};

TEST(Zip, ReadsMembersAsViews) {
  for (const bool zip64 : {false, true}) {
    for (const int descriptor : {0, 4, 8}) {
      auto members = two_members;
      members[0].descriptor = descriptor;
      members[1].descriptor = descriptor;
      const Data bytes = data_of(make_archive(members, {.zip64 = zip64}));
      const ZipArchive archive = open_zip(bytes, "test.pth");
      ASSERT_EQ(archive.members.size(), 2u);
      const ZipMember* member = archive.find("a/data/0");
      ASSERT_NE(member, nullptr);
      const Data content = read_member(archive, *member);
      EXPECT_EQ(text_of(content.bytes()), members[1].content);
      EXPECT_GE(content.bytes().data(), bytes.bytes().data());
      EXPECT_LT(content.bytes().data(), bytes.bytes().data() + bytes.size());
      EXPECT_EQ(archive.find("a/data/1"), nullptr);
    }
  }
}

TEST(Zip, ReadsEmptyMembersAndArchives) {
  const ZipArchive archive = open_zip(data_of(make_archive({{"empty", ""}})), "test.pth");
  EXPECT_EQ(read_member(archive, archive.members[0]).size(), 0u);
  EXPECT_TRUE(open_zip(data_of(make_archive({})), "test.pth").members.empty());
}

TEST(Zip, RefusesWhatTorchNeverWrites) {
  const auto with = [](auto change) {
    auto members = two_members;
    change(members);
    return refusal_of(make_archive(members));
  };
  EXPECT_THAT(with([](auto& members) { members[1].name = members[0].name; }),
              HasSubstr("\"a/data.pkl\" occurs twice"));
  EXPECT_THAT(with([](auto& members) { members[1].checksum_lie = 1; }),
              HasSubstr("\"a/data/0\" has a wrong checksum"));
  EXPECT_THAT(with([](auto& members) { members[0].local_size_lie = 1; }),
              HasSubstr("differs from the directory"));
  EXPECT_THAT(with([](auto& members) { members[0].method = 8; }), HasSubstr("\"a/data.pkl\" is compressed"));
  EXPECT_THAT(with([](auto& members) { members[0].flags = 1; }), HasSubstr("encrypted"));
  EXPECT_THAT(with([](auto& members) { members[0].name = ""; }), HasSubstr("no proper name"));
  EXPECT_THAT(with([](auto& members) { members[0].name = std::string("a\0b", 3); }),
              HasSubstr("no proper name"));
  EXPECT_THAT(with([](auto& members) {
                members[0].name = "a\nb\xff";
                members[0].checksum_lie = 1;
              }),
              HasSubstr("\"a?b\xef\xbf\xbd\" has a wrong checksum"));
}

TEST(Zip, RefusesDirectoriesThatLie) {
  for (const bool zip64 : {false, true}) {
    EXPECT_THAT(refusal_of(make_archive(two_members, {.zip64 = zip64, .count_lie = 1})),
                HasSubstr("number of members"));
    EXPECT_THAT(refusal_of(make_archive(two_members, {.zip64 = zip64, .count_lie = 65535})),
                HasSubstr("number of members"));
    EXPECT_THAT(refusal_of(make_archive(two_members, {.zip64 = zip64, .size_lie = 1})),
                HasSubstr("lies about its size"));
    EXPECT_THAT(refusal_of(make_archive(two_members, {.zip64 = zip64, .tail = "x"})), HasSubstr("truncated"));
  }
}

TEST(Zip, RefusesOverlaps) {
  // The second directory entry is turned into one for a member that the first one's content holds.
  const std::string inner = make_archive({{"in", "xx"}});
  std::string archive = make_archive({{"out", inner}, {"in", "xx"}});
  ASSERT_EQ(refusal_of(archive), "read");
  const std::size_t second = archive.rfind("PK\x01\x02");
  const std::size_t offset = 30 + 3;  // behind the first local header and its name
  std::string number;
  append_number<std::uint32_t>(number, offset);
  archive.replace(second + 42, 4, number);
  EXPECT_THAT(refusal_of(archive), HasSubstr("\"in\" overlaps member \"out\""));
}

TEST(Zip, RefusesOffsetsAndSizesOutside) {
  const std::string archive = make_archive(two_members);
  const std::size_t entry = archive.rfind("PK\x01\x02");
  for (const std::size_t field : {20u, 24u, 42u}) {
    for (const std::uint32_t value : {1u, 1000u, 0x7fffffffu, 0xfffffffeu, 0xffffffffu}) {
      std::string changed = archive;
      std::string number;
      append_number<std::uint32_t>(number, value);
      changed.replace(entry + field, 4, number);
      EXPECT_NE(refusal_of(changed), "read") << field << " " << value;
    }
  }
}

TEST(Zip, RefusesEveryTruncation) {
  for (const bool zip64 : {false, true}) {
    const std::string archive = make_archive(two_members, {.zip64 = zip64});
    for (std::size_t size = 0; size < archive.size(); ++size)
      EXPECT_NE(refusal_of(archive.substr(0, size)), "read") << size;
    for (std::size_t skipped = 1; skipped < archive.size(); ++skipped)
      EXPECT_NE(refusal_of(archive.substr(skipped)), "read") << skipped;
  }
}

TEST(Zip, NeverGivesOtherContentForAFlippedBit) {
  auto members = two_members;
  members[1].descriptor = 8;
  const std::string archive = make_archive(members, {.zip64 = true});
  for (std::size_t bit = 0; bit < archive.size() * 8; ++bit) {
    std::string damaged = archive;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    try {
      const ZipArchive opened = open_zip(data_of(damaged), "test.pth");
      ASSERT_EQ(opened.members.size(), 2u) << bit;
      for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(opened.members[i].name, members[i].name) << bit;
        EXPECT_EQ(text_of(read_member(opened, opened.members[i]).bytes()), members[i].content) << bit;
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::model) << bit;
    }
  }
}

TEST(Zip, NeverCrashesOnRandomBytes) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string archive = make_archive(two_members, {.zip64 = true});
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = archive;
    for (int i = 0; i < 8; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    refusal_of(damaged);
  }
}

}  // namespace
}  // namespace calib8
