// The words of `--set name=value|file.npy` in; contents for the sampler's params and data out, or what is wrong with
// them.
#pragma once

#include "runtime/kac_abi.h"
#include "runtime/kac_runtime.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace kac {

class Settings {
public:
  /// False, with `why`, where a name is not the sampler's or a value cannot stand for it.
  bool read(const kac_sampler &sampler, const std::vector<std::pair<std::string, std::string>> &words,
            std::string &why);
  /// Holds as long as the settings and the sampler do.
  const std::vector<kac_contents> &contents() const { return list; }

private:
  bool readOne(const kac_input &input, const std::string &word, std::string &why, std::string &code);
  std::vector<kac_contents> list;
  std::deque<std::vector<double>> reals;
  std::deque<std::vector<int32_t>> integers;
  std::deque<std::vector<uint8_t>> bools;
};

} // namespace kac
