// Reading .npy files: every type and order; every fault has its kind.
#include "dsl/Npy.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace kac;

namespace {

class Npy : public testing::Test {
protected:
  std::string folder, why;
  NpyArray array;

  void SetUp() override {
    char name[] = "npyXXXXXX";
    folder = mkdtemp(name);
  }
  void TearDown() override {
    std::remove((folder + "/a.npy").c_str());
    rmdir(folder.c_str());
  }

  NpyError readBytes(const std::string &bytes) {
    std::ofstream(folder + "/a.npy", std::ios::binary) << bytes;
    return readNpy(folder + "/a.npy", array, why);
  }
  static std::string file(const std::string &type, const std::string &shape, const std::string &numbers,
                          bool fortran = false, int version = 1) {
    std::string dict =
        "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }\n";
    std::string bytes = "\x93NUMPY";
    bytes += static_cast<char>(version);
    bytes += '\0';
    for (int i = 0; i < (version == 1 ? 2 : 4); i++)
      bytes += static_cast<char>(dict.size() >> (8 * i));
    return bytes + dict + numbers;
  }
  template <typename T> static std::string raw(std::initializer_list<T> numbers, bool swapped = false) {
    std::string bytes;
    for (T number : numbers) {
      std::string one(reinterpret_cast<const char *>(&number), sizeof number);
      bytes += swapped ? std::string(one.rbegin(), one.rend()) : one;
    }
    return bytes;
  }
};

TEST_F(Npy, ReadsEveryTypeInBothByteOrders) {
  std::vector<double> expected{1, -2, 100};
  auto check = [&](const std::string &type, const std::string &numbers) {
    ASSERT_EQ(readBytes(file(type, "(3,)", numbers)), NpyError::None) << type << ": " << why;
    EXPECT_EQ(array.values, expected) << type;
    EXPECT_EQ(array.shape, std::vector<int64_t>{3});
  };
  for (bool swapped : {false, true}) {
    std::string order = swapped ? ">" : "<";
    check(order + "f8", raw<double>({1, -2, 100}, swapped));
    check(order + "f4", raw<float>({1, -2, 100}, swapped));
    check(order + "f2", raw<uint16_t>({0x3c00, 0xc000, 0x5640}, swapped));
    check(order + "i8", raw<int64_t>({1, -2, 100}, swapped));
    check(order + "i4", raw<int32_t>({1, -2, 100}, swapped));
    check(order + "i2", raw<int16_t>({1, -2, 100}, swapped));
  }
  check("|i1", raw<int8_t>({1, -2, 100}));
  expected = {1, 200, 0};
  check("|u1", raw<uint8_t>({1, 200, 0}));
  check(">u4", raw<uint32_t>({1, 200, 0}, true));
  expected = {1, 0, 1};
  check("|b1", raw<uint8_t>({1, 0, 1}));
}

TEST_F(Npy, HalfPrecisionAtItsEdges) {
  ASSERT_EQ(readBytes(file("<f2", "(4,)", raw<uint16_t>({1, 0x7bff, 0xfc00, 0x7e00}))), NpyError::None);
  EXPECT_EQ(array.values[0], 0x1p-24);
  EXPECT_EQ(array.values[1], 65504);
  EXPECT_EQ(array.values[2], -INFINITY);
  EXPECT_TRUE(std::isnan(array.values[3]));
}

TEST_F(Npy, FortranOrderIsTurned) {
  ASSERT_EQ(readBytes(file("<f8", "(2, 3)", raw<double>({1, 4, 2, 5, 3, 6}), true)), NpyError::None);
  EXPECT_EQ(array.values, (std::vector<double>{1, 2, 3, 4, 5, 6}));
  ASSERT_EQ(readBytes(file("<i4", "(2, 1, 2)", raw<int32_t>({1, 3, 2, 4}), true)), NpyError::None);
  EXPECT_EQ(array.values, (std::vector<double>{1, 2, 3, 4}));
}

TEST_F(Npy, ScalarsEmptyArraysAndLaterVersions) {
  ASSERT_EQ(readBytes(file("<f8", "()", raw<double>({7}))), NpyError::None);
  EXPECT_TRUE(array.shape.empty());
  EXPECT_EQ(array.values, std::vector<double>{7});
  ASSERT_EQ(readBytes(file("<f8", "(0, 3)", "")), NpyError::None);
  EXPECT_TRUE(array.values.empty());
  for (int version : {2, 3})
    EXPECT_EQ(readBytes(file("<f8", "(1,)", raw<double>({7}), false, version)), NpyError::None);
}

TEST_F(Npy, FaultsHaveTheirKind) {
  EXPECT_EQ(readNpy(folder + "/none.npy", array, why), NpyError::Missing);
  EXPECT_EQ(why, "there is no such file");
  EXPECT_EQ(readNpy(folder, array, why), NpyError::Missing);
  EXPECT_EQ(readBytes(""), NpyError::NotNpy);
  EXPECT_EQ(readBytes("a,b\n1,2\n3,4\n"), NpyError::NotNpy);
  EXPECT_EQ(readBytes(file("<f8", "(3, x)", "")), NpyError::NotNpy);
  EXPECT_EQ(readBytes(file("<f8", "(-3,)", "")), NpyError::NotNpy);
  EXPECT_EQ(readBytes(file("<f8", "(99999999999, 99999999999)", "")), NpyError::NotNpy);
  EXPECT_EQ(readBytes(file("<c16", "(1,)", std::string(16, 0))), NpyError::Type);
  EXPECT_EQ(readBytes(file("<U3", "(1,)", std::string(12, 0))), NpyError::Type);
  EXPECT_EQ(readBytes(file("|O", "(1,)", std::string(12, 0))), NpyError::Type);
  EXPECT_EQ(readBytes(file("<f8", "(9999999999,)", raw<double>({1}))), NpyError::Truncated);
  std::string whole = file("<f8", "(3, 2)", raw<double>({1, 2, 3, 4, 5, 6}));
  for (size_t length = 0; length < whole.size(); length++) {
    NpyError error = readBytes(whole.substr(0, length));
    EXPECT_EQ(error, length < 6 ? NpyError::NotNpy : NpyError::Truncated) << length;
    EXPECT_FALSE(why.empty());
  }
  EXPECT_EQ(readBytes(whole), NpyError::None);
}

TEST_F(Npy, NoSingleByteCrashesTheReader) {
  std::string whole = file("<f8", "(3, 2)", raw<double>({1, 2, 3, 4, 5, 6}));
  for (size_t at = 0; at < whole.size(); at++)
    for (int change : {0, 0x27, 0x39, 0xff}) {
      std::string broken = whole;
      broken[at] = static_cast<char>(change);
      readBytes(broken);
    }
}

TEST_F(Npy, WhatIsDeclaredIsChecked) {
  readBytes(file("<f8", "(3,)", raw<double>({1, 2, 3.5})));
  EXPECT_EQ(checkNpy(array, {3}, false, why), NpyError::None);
  EXPECT_EQ(checkNpy(array, {3, 1}, false, why), NpyError::Shape);
  EXPECT_EQ(why, "has shape [3], declared is [3, 1]");
  EXPECT_EQ(checkNpy(array, {3}, true, why), NpyError::Type);
  EXPECT_EQ(why, "is no 32-bit integer at element 2");
  readBytes(file("<i8", "(2,)", raw<int64_t>({1, int64_t(1) << 40})));
  EXPECT_EQ(checkNpy(array, {2}, true, why), NpyError::Type);
  EXPECT_EQ(checkNpy(array, {2}, false, why), NpyError::None);
  readBytes(file("<f8", "(2,)", raw<double>({1, NAN})));
  EXPECT_EQ(checkNpy(array, {2}, false, why), NpyError::NotANumber);
}

} // namespace
