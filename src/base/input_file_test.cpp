#include "base/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/test_folder.h"

namespace calib8 {
namespace {

class InputFiles : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
    return folder / name;
  }

  std::string failure_of(const std::filesystem::path& path) const {
    try {
      read_file(path, 10, ErrorCode::dataset);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::dataset);
      EXPECT_EQ(error.where(), path.string());
      return error.message();
    }
    return {};
  }

  test::TemporaryFolder made;
  const std::filesystem::path& folder = made.path();
};

TEST_F(InputFiles, WhatIsNoRegularFileIsRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(failure_of(folder / "pipe"), "is not a regular file");
  EXPECT_EQ(failure_of("/dev/zero"), "is not a regular file");
  EXPECT_EQ(failure_of(folder), "is a folder, not a file");
  EXPECT_THAT(failure_of(folder / "absent"), ::testing::HasSubstr("cannot be opened: No such file"));
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_THAT(failure_of(folder / "loop"), ::testing::HasSubstr("symbolic links"));
  const int listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = (folder / "socket").string();
  ASSERT_LT(name.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, name.data(), name.size());
  ASSERT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(failure_of(name), "is not a regular file");
  ::close(listening);
}

TEST_F(InputFiles, LimitsAndEndsHold) {
  EXPECT_EQ(failure_of(write("eleven", "12345678901")), "has 11 bytes, over the limit of 10");
  const std::filesystem::path path = write("ten", "1234567890");
  EXPECT_EQ(read_file(path, 10, ErrorCode::dataset).size(), 10U);
  const InputFile file(path, ErrorCode::dataset);
  EXPECT_EQ(file.read_at_most(7, 100).size(), 3U);
  EXPECT_EQ(std::to_integer<char>(file.read(9, 1).at(0)), '0');
  std::filesystem::resize_file(path, 4);
  EXPECT_THROW(file.read(0, 10), Error);
  std::filesystem::remove(path);
  EXPECT_EQ(file.read(0, 4).size(), 4U);  // the same file under no name
}

TEST_F(InputFiles, HolesAreTold) {
  const std::filesystem::path path = write("sparse", "");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 30);
  const InputFile file(path, ErrorCode::dataset);
  const std::uint64_t next = file.next_data(0);
  EXPECT_TRUE(next == file.size() || next == 0) << next;  // 0 where the file system has no holes
}

}  // namespace
}  // namespace calib8
