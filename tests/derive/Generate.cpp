// Random programs of the kac dialect, all of whose values stay of moderate size.
#include "tests/derive/Generate.h"

namespace kac::test {

const char *const kPrimitives = R"(
func.func private @exp.dx(%x : f64) -> f64 {
  %y = kac.primitive "math.exp"(%x) by [@exp.dx] : (f64) -> f64
  return %y : f64
}
func.func private @sin.dx(%x : f64) -> f64 {
  %y = kac.primitive "math.cos"(%x) by [@cos.dx] : (f64) -> f64
  return %y : f64
}
func.func private @cos.dx(%x : f64) -> f64 {
  %y = kac.primitive "math.sin"(%x) by [@sin.dx] : (f64) -> f64
  %z = kac.neg %y : f64 -> f64
  return %z : f64
}
func.func private @tanh.dx(%x : f64) -> f64 {
  %one = arith.constant 1.0 : f64
  %two = arith.constant 2.0 : f64
  %y = kac.primitive "math.tanh"(%x) by [@tanh.dx] : (f64) -> f64
  %z = kac.pow %y, %two : (f64, f64) -> f64
  %d = kac.sub %one, %z : (f64, f64) -> f64
  return %d : f64
}
func.func private @log.dx(%x : f64) -> f64 {
  %one = arith.constant 1.0 : f64
  %d = kac.div %one, %x : (f64, f64) -> f64
  return %d : f64
}
func.func private @sign(%x : f64) -> f64 {
  %zero = arith.constant 0.0 : f64
  %less = kac.compare "lt" %x, %zero : (f64, f64) -> i1
  %s = kac.if %less {
    %m = arith.constant -1.0 : f64
    kac.yield %m : f64
  } else {
    %p = arith.constant 1.0 : f64
    kac.yield %p : f64
  } : f64
  return %s : f64
}
func.func private @abs.dx(%x : f64) -> f64 {
  %s = func.call @sign(%x) : (f64) -> f64
  return %s : f64
}
)";

static const char *const kTypes[] = {"f64", "tensor<3xf64>", "tensor<2x3xf64>"};
static std::string type(int rank) { return kTypes[rank]; }

std::string Generator::any(const Scope &scope, int rank) {
  std::vector<std::string> names;
  for (const Value &value : scope)
    if (value.rank == rank)
      names.push_back(value.name);
  // Late values more often: long chains.
  size_t n = names.size();
  return pick(3) ? names[n - 1 - size_t(pick(int(std::min<size_t>(n, 3))))] : names[size_t(pick(int(n)))];
}

std::string Generator::line(int rank, const std::string &right) {
  std::string name = fresh();
  text += "  " + name + " = " + right + type(rank) + "\n";
  return name;
}

std::string Generator::index(const std::string &indexName, int extent) {
  if (!indexName.empty() && pick(2)) {
    if (extent == 3)
      return indexName;
    std::string name = fresh();
    text += "  " + name + " = kac.remainder " + indexName + ", %two : (i32, i32) -> i32\n";
    return name;
  }
  return "%i" + std::to_string(pick(extent));
}

std::string Generator::region(const Scope &scope, const std::string &indexName, int rank, int depth) {
  Scope inner = scope;
  for (int k = 0; k < 3; ++k)
    statement(inner, indexName, depth - 1);
  // Something made inside, where there is any.
  std::string result = any(inner, rank);
  for (size_t k = scope.size(); k < inner.size(); ++k)
    if (inner[k].rank == rank)
      result = inner[k].name;
  return "kac.yield " + result + " : " + type(rank);
}

void Generator::repeated(Scope &scope, int depth) {
  std::string i = fresh(), result = fresh();
  int rank = pick(2);
  if (pick(2)) {
    static const char *const kNames[] = {"kac.sum", "kac.sum", "kac.sum", "kac.mean", "kac.max", "kac.product"};
    bool filtered = pick(4) == 0;
    std::string lower = filtered ? "%i0" : "%i" + std::to_string(pick(2));
    text += "  " + result + " = kac.reduce \"" + kNames[pick(6)] + "\" " + lower + " to %three {\n  ^bb0(" + i +
            " : i32):\n";
    std::string yield = region(scope, i, rank, depth);
    if (filtered) {
      std::string keep = fresh();
      text += "  " + keep + " = kac.compare \"lt\" %i0, " + i + " : (i32, i32) -> i1\n";
      yield.insert(yield.find(" :"), ", " + keep);
      yield += ", i1";
    }
    text += "  " + yield + "\n  } : " + type(rank) + "\n";
    scope.push_back({result, rank});
  } else {
    text += "  " + result + " = kac.build [" + (rank ? "2" : "3") + "] {\n  ^bb0(" + i + " : i32):\n";
    text += "  " + region(scope, i, rank, depth) + "\n  } : " + type(rank + 1) + "\n";
    scope.push_back({result, rank + 1});
  }
}

void Generator::branch(Scope &scope, const std::string &indexName, int depth) {
  std::string condition = fresh(), result = fresh();
  int rank = pick(2);
  text += "  " + condition + " = kac.compare \"lt\" " + any(scope, 0) + ", " + any(scope, 0) + " : (f64, f64) -> i1\n";
  text += "  " + result + " = kac.if " + condition + " {\n";
  text += "  " + region(scope, indexName, rank, depth) + "\n  } else {\n";
  text += "  " + region(scope, indexName, rank, depth) + "\n  } : " + type(rank) + "\n";
  scope.push_back({result, rank});
}

void Generator::loop(Scope &scope, int depth) {
  // Carries an array whose elements are set in turn, and a scalar; stops early in one of two.
  std::string i = fresh(), a = fresh(), s = fresh(), results = fresh();
  std::string init = any(scope, 1) + ", " + any(scope, 0) + " : tensor<3xf64>, f64";
  text += "  " + results + ":2 = kac.loop %i" + std::to_string(pick(2)) + " to %three init (" + init + ") while {\n";
  if (pick(2)) {
    std::string j = fresh(), b = fresh(), t = fresh(), go = fresh();
    text += "  ^bb0(" + j + " : i32, " + b + " : tensor<3xf64>, " + t + " : f64):\n";
    text += "  " + go + " = kac.compare \"lt\" " + t + ", %c : (f64, f64) -> i1\n  kac.yield " + go + " : i1\n";
  }
  text += "  } do {\n  ^bb0(" + i + " : i32, " + a + " : tensor<3xf64>, " + s + " : f64):\n";
  Scope inner = scope;
  inner.push_back({a, 1});
  inner.push_back({s, 0});
  std::string yield = region(inner, i, 0, depth);
  std::string value = yield.substr(10, yield.find(" :") - 10), old = fresh(), mixed = fresh(), set = fresh();
  text += "  " + old + " = kac.extract " + a + "[" + i + "] in_range : tensor<3xf64> -> f64\n";
  text += "  " + mixed + " = kac.sub " + old + ", " + value + " : (f64, f64) -> f64\n";
  text += "  " + set + " = kac.insert " + mixed + " into " + a + "[" + i + "] in_range : f64 into tensor<3xf64>\n";
  std::string halved = line(0, "kac.primitive \"math.sin\"(" + mixed + ") by [@sin.dx] : (f64) -> ");
  text += "  kac.yield " + set + ", " + halved + " : tensor<3xf64>, f64\n  } : tensor<3xf64>, f64\n";
  scope.push_back({results + "#0", 1});
  scope.push_back({results + "#1", 0});
}

void Generator::statement(Scope &scope, const std::string &indexName, int depth) {
  auto add = [&](int rank, const std::string &right) { scope.push_back({line(rank, right), rank}); };
  int rank = pick(3);
  std::string x = any(scope, rank), y = any(scope, rank), s = any(scope, 0), v = any(scope, 1), m = any(scope, 2);
  std::string t = type(rank);
  switch (pick(depth > 0 ? 26 : 19)) {
  case 0:
    return add(rank, "kac.add " + x + ", " + s + " : (" + t + ", f64) -> ");
  case 1:
    return add(rank, "kac.sub " + x + ", " + y + " : (" + t + ", " + t + ") -> ");
  case 2:
    return add(rank, "kac.mul " + x + ", " + y + " : (" + t + ", " + t + ") -> ");
  case 3:
    return add(2, "kac.mul " + v + ", " + m + " : (tensor<3xf64>, tensor<2x3xf64>) -> ");
  case 4: {
    std::string e = line(rank, "kac.primitive \"math.exp\"(" +
                                   line(rank, "kac.primitive \"math.sin\"(" + x + ") by [@sin.dx] : (" + t + ") -> ") +
                                   ") by [@exp.dx] : (" + t + ") -> ");
    return add(rank, "kac.div " + y + ", " + e + " : (" + t + ", " + t + ") -> ");
  }
  case 5: {
    std::string e =
        line(rank, "kac.primitive \"math.exp\"(" +
                       line(rank, "kac.primitive \"math.tanh\"(" + x + ") by [@tanh.dx] : (" + t + ") -> ") +
                       ") by [@exp.dx] : (" + t + ") -> ");
    return add(rank, "kac.pow " + e + ", " + s + " : (" + t + ", f64) -> ");
  }
  case 6:
    return add(rank, "kac.pow " + x + ", %k : (" + t + ", f64) -> ");
  case 7:
    return add(rank, "kac.neg " + x + " : " + t + " -> ");
  case 8:
    return add(rank, "kac.primitive \"math.tanh\"(" + x + ") by [@tanh.dx] : (" + t + ") -> ");
  case 9:
    return add(rank, "kac.primitive \"math.absf\"(" + x + ") by [@abs.dx] : (" + t + ") -> ");
  case 10: {
    static const char *const kNames[] = {"sum", "mean", "max", "min", "product"};
    int from = 1 + pick(2);
    std::string name = kNames[pick(5)];
    std::string whole =
        line(0, "kac.whole \"kac." + name + "\"(" + (from == 1 ? v : m) + ") : (" + type(from) + ") -> ");
    return add(0, "kac.primitive \"math.tanh\"(" + whole + ") by [@tanh.dx] : (f64) -> ");
  }
  case 11:
    return add(1,
               std::string("kac.whole \"kac.") + (pick(2) ? "cumsum" : "sort") + "\"(" + v + ") : (tensor<3xf64>) -> ");
  case 12:
    return pick(2) ? add(1, "kac.stack " + s + ", " + any(scope, 0) + ", " + any(scope, 0) + " : (f64, f64, f64) -> ")
                   : add(2, "kac.stack " + v + ", " + any(scope, 1) + " : (tensor<3xf64>, tensor<3xf64>) -> ");
  case 13:
    return pick(2) ? add(1, "kac.repeat " + s + " : f64 -> ") : add(2, "kac.repeat " + v + " : tensor<3xf64> -> ");
  case 14: {
    std::string pair = fresh(), one = fresh();
    text += "  " + pair + " = kac.stack " + s + ", " + any(scope, 0) + " : (f64, f64) -> tensor<2xf64>\n";
    text += "  " + one + " = kac.stack " + any(scope, 0) + " : (f64) -> tensor<1xf64>\n";
    return add(1, "kac.concat " + pair + ", " + one + " : (tensor<2xf64>, tensor<1xf64>) -> ");
  }
  case 15:
    return add(0, "kac.extract " + v + "[" + index(indexName, 3) + "] in_range : tensor<3xf64> -> ");
  case 16: {
    std::string i = index(indexName, 2), j = index(indexName, 3);
    return pick(2) ? add(1, "kac.extract " + m + "[" + i + "] in_range : tensor<2x3xf64> -> ")
                   : add(0, "kac.extract " + m + "[" + i + ", " + j + "] in_range : tensor<2x3xf64> -> ");
  }
  case 17:
    return add(1, "kac.insert " + s + " into " + v + "[" + index(indexName, 3) + "] in_range : f64 into ");
  case 18: {
    std::string less = fresh(), b = pick(2) ? "i1" : "tensor<3xi1>";
    std::string left = b == "i1" ? s : v, of = b == "i1" ? "f64" : type(1);
    text += "  " + less + " = kac.compare \"lt\" " + left + ", %c : (" + of + ", f64) -> " + b + "\n";
    return add(1, "kac.select " + less + ", " + v + ", " + any(scope, 1) + " : (" + b +
                      ", tensor<3xf64>, tensor<3xf64>) -> ");
  }
  case 19:
  case 20:
    return loop(scope, depth);
  case 21:
    return branch(scope, indexName, depth);
  default:
    return repeated(scope, depth);
  }
}

std::string Generator::function() {
  text = "func.func @f(%x : tensor<3xf64>) -> f64 {\n";
  for (int k = 0; k < 3; ++k)
    text += "  %i" + std::to_string(k) + " = arith.constant " + std::to_string(k) + " : i32\n";
  text += "  %two = arith.constant 2 : i32\n  %three = arith.constant 3 : i32\n";
  text += "  %c = arith.constant 0.3 : f64\n  %k = arith.constant " + std::to_string(1 + pick(3)) + ".0 : f64\n";
  text += "  %e0 = kac.extract %x[%i0] in_range : tensor<3xf64> -> f64\n";
  text += "  %m0 = kac.repeat %x : tensor<3xf64> -> tensor<2x3xf64>\n";
  Scope scope{{"%x", 1}, {"%c", 0}, {"%e0", 0}, {"%m0", 2}};
  for (int k = 0; k < 10; ++k)
    statement(scope, "", 2);
  std::string a = line(0, "kac.whole \"kac.sum\"(" + any(scope, 1) + ") : (tensor<3xf64>) -> ");
  std::string b = line(0, "kac.whole \"kac.sum\"(" + any(scope, 2) + ") : (tensor<2x3xf64>) -> ");
  std::string c = line(0, "kac.mul " + a + ", " + any(scope, 0) + " : (f64, f64) -> ");
  std::string d = line(0, "kac.add " + b + ", " + c + " : (f64, f64) -> ");
  text += "  return " + d + " : f64\n}\n";
  return text;
}

} // namespace kac::test
