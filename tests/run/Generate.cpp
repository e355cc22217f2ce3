// Each choice is made by one number of a generator of our own, so that a seed means the same program everywhere.
#include "tests/run/Generate.h"

#include <cstdio>
#include <initializer_list>
#include <vector>

namespace kac {

namespace {

using std::string;

class Writer {
public:
  explicit Writer(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15 + 1) {}
  Generated program();

private:
  uint64_t state;
  int d = 1;
  bool oneProcess = true, massIsPositive = true;
  string declarations;

  uint32_t next() {
    state = state * 6364136223846793005 + 1442695040888963407;
    return uint32_t(state >> 33);
  }
  int below(int n) { return int(next() % uint32_t(n)); }
  bool chance(int percent) { return below(100) < percent; }
  string pick(std::initializer_list<string> options) { return options.begin()[below(int(options.size()))]; }
  string number(double low, double high) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", low + (high - low) * (next() & 0xFFFF) / 65536.0);
    return text;
  }
  string list(const std::vector<string> &items) {
    string result;
    for (const string &item : items)
      result += (result.empty() ? "[" : ", ") + item;
    return result + "]";
  }
  string point(double reach) {
    std::vector<string> items;
    for (int k = 0; k < d; ++k)
      items.push_back(number(-reach, reach));
    return d == 1 ? items[0] : list(items);
  }
  string stateType() { return d == 1 ? "real" : "real[" + std::to_string(d) + "]"; }
  string wide(const string &sd) { return d == 1 ? "normal(0, " + sd + ")" : "normal(" + point(0.0) + ", " + sd + ")"; }

  string weights(int n);
  string process();
  string normal(bool round);
  string factor(const string &name);
  string data(const string &name);
  string power();
  string reward();
  string twist(const string &model);
  string drift(const string &process, const string &model, bool hasReward);
  string diffusion(const string &process);
};

/// Shares of a mixture, in tenths.
string Writer::weights(int n) {
  int rest = 10;
  std::vector<string> shares;
  for (int k = 0; k + 1 < n; ++k) {
    int share = 1 + below(rest - (n - 1 - k));
    shares.push_back("0." + std::to_string(share));
    rest -= share;
  }
  shares.push_back(rest == 10 ? "1.0" : "0." + std::to_string(rest));
  return list(shares);
}

string Writer::process() {
  switch (below(7)) {
  case 0:
  case 1:
    return "variance_preserving(beta_min = " + number(0.05, 0.5) + ", beta_max = " + number(2, 18) + ")";
  case 2:
    return "variance_exploding(sigma_min = " + number(0.05, 0.3) + ", sigma_max = " + number(3, 12) + ")";
  case 3:
    return "cosine()";
  case 4:
    return "edm(sigma_min = " + number(0.05, 0.2) + ", sigma_max = " + number(2, 8) + ", rho = " + number(2, 7) + ")";
  case 5: {
    string k = number(0.5, 3);
    return "gaussian(alpha(t) = exp(-" + k + " * (1 - t)), sigma(t) = sqrt(1 - exp(-2 * " + k + " * (1 - t))))";
  }
  default:
    return chance(50) ? "rectified_flow()" : "gaussian(alpha(t) = 0.3 + 0.7 * t, sigma(t) = 1.2 - t)";
  }
}

/// The parts of one mixture have spreads of one shape.
string Writer::normal(bool round) {
  if (d == 1 || round)
    return "normal(" + point(2) + ", " + number(0.3, 1.2) + ")";
  std::vector<string> sds;
  for (int k = 0; k < d; ++k)
    sds.push_back(number(0.3, 1.2));
  return "normal(" + point(2) + ", " + list(sds) + ")";
}

/// A lower triangle, as a constant of the program.
string Writer::factor(const string &name) {
  std::vector<string> rows;
  for (int i = 0; i < d; ++i) {
    std::vector<string> row;
    for (int j = 0; j < d; ++j)
      row.push_back(i == j ? number(0.4, 1.1) : j < i ? number(-0.5, 0.5) : "0.0");
    rows.push_back(list(row));
  }
  string n = std::to_string(d);
  declarations += "const " + name + " : real[" + n + ", " + n + "] = " + list(rows) + "\n";
  return name;
}

string Writer::data(const string &name) {
  int n = 2 + below(2);
  bool round = chance(60);
  std::vector<string> parts;
  switch (below(d == 1 ? 4 : 6)) {
  case 0:
    return normal(round);
  case 1: {
    for (int k = 0; k < n; ++k)
      parts.push_back(point(2));
    declarations += "const " + name + "_centers : real[" + std::to_string(n) +
                    (d == 1 ? "" : ", " + std::to_string(d)) + "] = " + list(parts) + "\n";
    return "mixture(normal(c, " + number(0.3, 1) + ") for c in " + name + "_centers)";
  }
  case 2:
    return "mixture([mixture([" + normal(round) + ", " + normal(round) + "]), " + normal(round) +
           "], weights = " + weights(2) + ")";
  case 3:
    for (int k = 0; k < n; ++k)
      parts.push_back(normal(round));
    break;
  default:
    for (int k = 0; k < n; ++k)
      parts.push_back("gaussian_vector(" + point(2) + ", " + factor(name + "_factor" + std::to_string(k)) + ")");
  }
  return "mixture(" + list(parts) + (chance(70) ? ", weights = " + weights(n) : "") + ")";
}

string Writer::power() {
  switch (below(6)) {
  case 0:
    return "";
  case 1:
    return "^" + number(0.4, 3);
  case 2:
    return "^(1 + " + number(0.2, 2) + " * t)";
  case 3:
    return "^w";
  case 4:
    return "^(w + t^2)";
  default:
    return "^exp(-" + number(0.2, 1) + " * t)";
  }
}

string Writer::reward() {
  string c = number(0.3, 1.5), p = point(1);
  if (d == 1)
    return pick({"-" + c + " * (x - " + p + ")^2", "sin(" + c + " * x)", "tanh(x - " + p + ") - 0.2 * x^2",
                 "-softplus(" + c + " * x)", "normal(x, " + c + ").logp(" + p + ")"});
  return pick({"-" + c + " * sq_norm(x - " + p + ")", "sin(" + c + " * x[0]) * x[1]", "logsumexp(" + c + " * x)",
               "-norm(x - " + p + ")", "normal(x[0], " + c + ").logp(w)", "dot(x, " + p + ") - 0.1 * sum(x^4)"});
}

/// A tilt that moves by itself, and looks through a model.
string Writer::twist(const string &model) {
  string first = d == 1 ? model + ".denoised(x, t)" : model + ".denoised(x, t)[0]";
  return pick({"exp(f(x) = -t * sum(x * x) / 3)", "exp(f(x) = cos(t + sum(x)))",
               "exp(f(x) = normal(" + first + ", " + number(0.5, 1.5) + ").logp(w))"});
}

string Writer::drift(const string &process, const string &model, bool hasReward) {
  std::vector<string> options = {
      "summed",
      "summed",
      "drift(x, t) = summed(x, t) - " + number(0.1, 1) + " * x",
      "drift(x, t) = " + number(0.5, 1.5) + " * velocity(x, t) + " + number(0.5, 1.5) + " * langevin(x, t)",
      "drift(x, t) = " + number(-1, 1) + " * x + sin(" + number(1, 4) + " * t) * " + point(1) + " - 0.1 * x^3",
      "drift(x, t) = " + model + ".velocity(x, t) + diffusion(t)^2 * " + model + ".score(x, t)",
      "drift(x, t) = " + model + ".denoised(x, t) - x",
  };
  if (massIsPositive)
    options.insert(options.end(), {"centroid", "centroid", "drift(x, t) = centroid(x, t) + t * tanh(x)"});
  if (oneProcess)
    options.insert(options.end(),
                   {"reverse", "reverse", "drift(x, t) = reverse(x, t) + " + process + ".noising(x, t)"});
  if (hasReward)
    options.push_back("drift(x, t) = summed(x, t) + " + number(0.2, 1) + " * grad(reward(x), x)");
  string chosen = options[below(int(options.size()))];
  return chosen.rfind("drift", 0) == 0 ? chosen : "drift = " + chosen;
}

string Writer::diffusion(const string &process) {
  return pick({"diffusion(t) = sqrt(3) * " + process + ".diffusion(t)", "diffusion(t) = " + number(0.3, 2),
               "diffusion(t) = 2 * (1 - t)", "diffusion(t) = sqrt(0.2 + t^2)", "diffusion(t) = 0"});
}

Generated Writer::program() {
  d = 1 + below(3);
  oneProcess = chance(65);
  int models = 1 + below(3);
  declarations = "param w : real = " + number(0.5, 2.5) + "\n";
  declarations += "process p0 = " + process() + "\n";
  if (!oneProcess)
    declarations += "process p1 = " + process() + "\n";
  oneProcess |= models == 1;
  string target;
  for (int k = 0; k < models; ++k) {
    string name = "q" + std::to_string(k), from = oneProcess || k == 0 ? "p0" : k == 1 ? "p1" : pick({"p0", "p1"});
    declarations += "model q" + std::to_string(k) + " = " + from + " with data = " + data(name) + "\n";
    bool divided = k > 0 && chance(25);
    massIsPositive &= !divided;
    target += (k == 0 ? "" : divided ? " / " : " * ") + name + power();
  }
  bool hasReward = chance(50);
  if (hasReward) {
    declarations += "fn reward(x : " + stateType() + ") -> real = " + reward() + "\n";
    target += " * exp(reward)" + pick({"", "^(t^2)", "^w", "^(2 * (1 - t))", "^-0.5"});
  } else if (chance(25)) {
    target += " * " + twist("q0");
  }
  if (chance(15))
    target += " * " + wide(number(2, 4)) + pick({"", "^(1 - t)", "^0.5"});
  string sampler = "\nsampler s {\n  target(t) = " + target + "\n  start = " + wide("2") +
                   "\n  time(u) = 0.03 + 0.93 * u\n  steps = 8\n  particles = 64\n";
  if (chance(75))
    sampler += "  " + drift("p0", "q0", hasReward) + "\n";
  if (!oneProcess || chance(50))
    sampler += "  " + diffusion("p0") + "\n";
  return {declarations + sampler + "}\n", d};
}

} // namespace

Generated generateProgram(uint64_t seed) { return Writer(seed).program(); }

} // namespace kac
