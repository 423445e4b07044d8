#include "base/mapped_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "base/test_folder.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

class MappedFile : public testing::Test {
 protected:
  static constexpr std::size_t size = 40 * 4096 + 100;

  void SetUp() override { write("a", 'a'); }

  void write(const std::string& name, char letter) const {
    std::ofstream(folder_ / name) << std::string(size, letter);
  }
  Data map(const std::string& name) const { return map_file(folder_ / name); }
  static std::size_t count(const Data& data, char letter) {
    std::size_t found = 0;
    for (const std::byte byte : data.bytes()) found += byte == static_cast<std::byte>(letter);
    return found;
  }
  static std::string change_of(const Data& data) {
    try {
      require_unchanged(data);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::model);
      return error.what();
    }
    return "unchanged";
  }

  test::TemporaryFolder made_;
  const fs::path& folder_ = made_.path();
};

TEST_F(MappedFile, ReadsAsZerosBehindANewEndAndTells) {
  write("b", 'b');
  const Data a = map("a"), b = map("b");
  fs::resize_file(folder_ / "a", 5000);
  EXPECT_EQ(count(a, 'a'), 5000u);
  EXPECT_EQ(count(b, 'b'), size);
  EXPECT_THAT(change_of(a),
              testing::AllOf(testing::HasSubstr((folder_ / "a").string()), testing::HasSubstr("changed")));
  EXPECT_THAT(change_of(a.part(size - 1, 1)), testing::HasSubstr("changed"));
  EXPECT_EQ(change_of(b), "unchanged");
}

TEST_F(MappedFile, TellsOfACutThatWasFilledAgain) {
  const Data a = map("a");
  fs::resize_file(folder_ / "a", 0);
  write("a", 'x');
  EXPECT_THAT(change_of(a), testing::HasSubstr("changed"));
}

TEST_F(MappedFile, KnowsWhichBytesAreNoFilesAtAll) {
  EXPECT_EQ(change_of(Data{}), "unchanged");
  EXPECT_EQ(change_of(Data::from_vector(std::vector<char>(10))), "unchanged");
  { const Data gone = map("a"); }
  EXPECT_EQ(change_of(map("a")), "unchanged");
}

TEST_F(MappedFile, TellsOfTheChangeRatherThanOfTheDamage) {
  const Data a = map("a");
  fs::resize_file(folder_ / "a", 1);
  const auto fail = []() -> int { throw Error(ErrorCode::model, "is damaged"); };
  EXPECT_THAT([&] { read_unchanged(a, fail); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("was changed")));
  EXPECT_EQ(read_unchanged(map("a"), [] { return 7; }), 7);
}

TEST_F(MappedFile, ReadsMoreFilesThanItCanWatch) {
  std::vector<Data> all;
  for (int i = 0; i < 300; ++i) all.push_back(map("a"));
  for (const Data& each : all) ASSERT_EQ(count(each, 'a'), size);
}

void end_with_seven(int) {
  ::_exit(7);
}

TEST_F(MappedFile, HandsOnWhatIsNotItsOwn) {
  testing::GTEST_FLAG(death_test_style) =
      "threadsafe";  // a process of its own, in which no handler is set yet
  write("b", 'b');
  const auto read_behind_the_end_of_a_foreign_mapping = [&] {
    const int file = ::open((folder_ / "b").c_str(), O_RDONLY);
    const auto* bytes =
        static_cast<const volatile char*>(::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0));
    const Data ours = map("a");
    fs::resize_file(folder_ / "b", 0);
    ::_exit(bytes[size - 1] == 0 ? 0 : 1);
  };
  EXPECT_EXIT(read_behind_the_end_of_a_foreign_mapping(), testing::KilledBySignal(SIGBUS), "");
  EXPECT_EXIT(
      {
        ::signal(SIGBUS, end_with_seven);
        read_behind_the_end_of_a_foreign_mapping();
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        const Data ours = map("a");
        ::kill(::getpid(), SIGBUS);
        ::_exit(0);
      },
      testing::KilledBySignal(SIGBUS), "");
}

}  // namespace
}  // namespace calib8
