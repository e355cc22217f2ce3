// A seed in, the text of a function of one array (%x : tensor<3xf64> -> f64) of random smooth operations out.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace kac::test {

/// Functions that the generated text refers to: primitives' derivatives.
extern const char *const kPrimitives;

class Generator {
public:
  explicit Generator(unsigned seed) : random(seed) {}
  /// `func.func @f(%x : tensor<3xf64>) -> f64 { ... }`
  std::string function();

private:
  struct Value {
    std::string name;
    int rank; // 0: f64, 1: tensor<3xf64>, 2: tensor<2x3xf64>
  };
  using Scope = std::vector<Value>;

  int pick(int n) { return int(random() % unsigned(n)); }
  std::string fresh() { return "%v" + std::to_string(next++); }
  std::string any(const Scope &scope, int rank);
  std::string index(const std::string &indexName, int extent);
  std::string line(int rank, const std::string &right);
  void statement(Scope &scope, const std::string &indexName, int depth);
  void repeated(Scope &scope, int depth);
  void branch(Scope &scope, const std::string &indexName, int depth);
  void loop(Scope &scope, int depth);
  /// Statements in a copy of the scope, then a yield of one value of `rank`.
  std::string region(const Scope &scope, const std::string &indexName, int rank, int depth);

  std::mt19937 random;
  std::string text;
  int next = 0;
};

} // namespace kac::test
