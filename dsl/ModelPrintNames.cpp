// What samplers, requirements and tests of a model need is followed through its calls, and named.
#include "dsl/ModelPrintNames.h"

#include "dsl/Kinds.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace kac {

namespace {

/// Words that the grammar or the checker reads as their own.
constexpr const char *words[] = {
    "if",   "else",  "for",      "in",       "while",     "with",  "when",  "weigh",      "require", "fn",
    "true", "false", "import",   "alphabet", "const",     "data",  "param", "weights",    "network", "kind",
    "test", "grad",  "jvp",      "div",      "laplacian", "stop",  "fused", "population", "batch",   "real",
    "int",  "bool",  "positive", "simplex",  "onehot",    "token", "spin",  "tangent"};

/// The fields that a printed sampler has: in its braces these words mean them.
const std::string *const written[] = {&fields::particles, &fields::steps,    &fields::time,   &fields::init,
                                      &fields::step,      &fields::resample, &fields::output, &fields::monitor};

/// The expressions and statements below; by a list, since a sum may have thousands of terms.
void walk(const Block &body, const std::function<void(const Expr &)> &onExpr,
          const std::function<void(const Statement &)> &onStatement) {
  std::vector<const Expr *> left;
  std::vector<const Block *> blocks{&body};
  auto add = [&](const ExprPtr &expr) {
    if (expr)
      left.push_back(expr.get());
  };
  auto addBlock = [&](const std::shared_ptr<const Block> &block) {
    if (block)
      blocks.push_back(block.get());
  };
  while (!left.empty() || !blocks.empty()) {
    if (left.empty()) {
      const Block &block = *blocks.back();
      blocks.pop_back();
      for (const Statement &statement : block.statements) {
        onStatement(statement);
        add(statement.value);
        add(statement.second);
        add(statement.condition);
        for (const ExprPtr &index : statement.indices)
          add(index);
        addBlock(statement.body);
        addBlock(statement.otherwise);
      }
      add(block.result);
      continue;
    }
    const Expr &expr = *left.back();
    left.pop_back();
    onExpr(expr);
    for (const ExprPtr &arg : expr.args)
      add(arg);
    addBlock(expr.body);
    addBlock(expr.otherwise);
  }
}

} // namespace

bool mentionsLineages(const Type &type) {
  return std::count(type.shape.begin(), type.shape.end(), kParticles) > 0 ||
         (type.scalar == Scalar::Token && type.letters == kParticles) ||
         std::any_of(type.components.begin(), type.components.end(),
                     [](const Component &component) { return mentionsLineages(component.type); });
}

std::string PrintedNames::plain(const std::string &name) {
  std::string text;
  for (char c : name)
    text += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) ? "v" + text : text;
}

std::string PrintedNames::key(const Expr &expr) {
  std::string text = "operation " + expr.name;
  for (const Function *derivative : expr.derivatives)
    text += "|" + (derivative ? derivative->name : "");
  return text;
}

std::string PrintedNames::fresh(const std::string &name) {
  std::string candidate = plain(name);
  for (int i = 2; hidden.count(candidate) || !taken.insert(candidate).second; ++i)
    candidate = plain(name) + "_" + std::to_string(i);
  return candidate;
}

/// A declaration would hide one of the library: what a line names that begins at the margin. The program comes last.
void PrintedNames::seeLibrary() {
  for (size_t i = 0; i + 1 < model.sources.size(); ++i) {
    std::istringstream text{std::string(model.sources[i]->text())};
    for (std::string line; std::getline(text, line);) {
      size_t begin = line.find(' ') + 1;
      if (begin > 1)
        hidden.insert(line.substr(begin, line.find_first_of(" [(", begin) - begin));
    }
  }
}

/// Entry functions are reached first; in the braces their parameters would hide a function of such a name.
void PrintedNames::enter(const Function *function, bool field) {
  if (!function)
    return;
  for (int slot : function->parameters)
    hidden.insert(function->slots[static_cast<size_t>(slot)].name);
  if (field && mayBeField(function))
    inPlace.insert(function);
  else
    inPlace.erase(function);
  reach(function);
}

/// A body stands in the braces unless a parameter or a field there would hide an input.
bool PrintedNames::mayBeField(const Function *function) {
  auto hides = [&](const Input &input) {
    auto isParameter = [&](int slot) { return function->slots[static_cast<size_t>(slot)].name == input.name; };
    auto isField = [&](const std::string *field) { return *field == input.name; };
    return std::any_of(function->parameters.begin(), function->parameters.end(), isParameter) ||
           std::any_of(std::begin(written), std::end(written), isField);
  };
  return std::none_of(model.inputs.begin(), model.inputs.end(), hides);
}

PrintedNames::PrintedNames(const Model &m) : model(m) {
  taken.insert(std::begin(words), std::end(words));
  taken.insert(kLineages);
  for (const std::string *field : written)
    taken.insert(*field);
  seeLibrary();
  for (const Input &input : model.inputs)
    taken.insert(input.name);
  for (const Sampler &sampler : model.samplers) {
    taken.insert(sampler.name);
    for (const Function *function : {sampler.init, sampler.step, sampler.time, sampler.output})
      enter(function, true);
    for (const Function *function : {sampler.resample, sampler.when})
      enter(function, false);
    for (const Monitor &monitor : sampler.monitors)
      enter(monitor.function, false);
  }
  for (const Requirement &requirement : model.requires_)
    if (isWritten(requirement) || !requirement.sampler.empty()) {
      reach(requirement.function);
      if (!requirement.sampler.empty())
        texts.insert(requirement.text);
    }
  for (const TestCase &test : model.tests)
    enter(test.function, false);
  if (model.samplers.empty())
    for (const Function &function : model.functions)
      reach(&function);
  for (const Function &function : model.functions)
    if (seen.count(&function) && !inPlace.count(&function)) {
      reached.push_back(&function);
      std::string name = function.name;
      if (name.ends_with(".entry"))
        name.resize(name.size() - 6);
      names.emplace(function.name, fresh(name));
    }
  for (const auto &[operation, expr] : named)
    names.emplace(operation, fresh(expr->name));
  for (const std::string &text : texts)
    names.emplace(demandKey(text), fresh("demand"));
  if (casts)
    names.emplace(castKey, fresh("as_real"));
  seeLineages();
}

bool PrintedNames::isWritten(const Requirement &requirement) const {
  auto isOfType = [&](const Input &input) {
    return input.span.source && input.span.source == requirement.span.source &&
           input.span.begin == requirement.span.begin;
  };
  return requirement.sampler.empty() && std::none_of(model.inputs.begin(), model.inputs.end(), isOfType);
}

/// The functions called are visited too, deepest last.
void PrintedNames::reach(const Function *function) {
  std::vector<const Function *> left{function};
  while (!left.empty()) {
    const Function *next = left.back();
    left.pop_back();
    if (!next || !seen.insert(next).second)
      continue;
    visit(*next);
    left.insert(left.end(), callees[next].begin(), callees[next].end());
  }
}

void PrintedNames::visit(const Function &function) {
  bool mentioned = mentionsLineages(function.result);
  for (const Slot &slot : function.slots)
    mentioned |= mentionsLineages(slot.type);
  auto onExpr = [&](const Expr &expr) {
    mentioned |= expr.op == Op::Particles || mentionsLineages(expr.type);
    casts |= expr.op == Op::Cast;
    if (expr.function)
      callees[&function].insert(expr.function);
    for (const Function *derivative : expr.derivatives) {
      callees[&function].insert(derivative);
      inPlace.insert(derivative);
    }
    if (expr.op == Op::Primitive || expr.op == Op::Whole || expr.op == Op::Reduce || expr.op == Op::Random)
      named.emplace(key(expr), &expr);
  };
  walk(function.body, onExpr, [&](const Statement &statement) {
    if (statement.kind == Statement::Kind::Require)
      texts.insert(statement.text);
  });
  if (function.when && !function.alternatives.empty())
    callees[&function].insert({function.when, function.alternatives[0]});
  if (mentioned)
    mentions.insert(&function);
}

/// Who has the number of lineages in no parameter is given it by whoever calls.
void PrintedNames::seeLineages() {
  auto inParameter = [](const Function &function) {
    return std::any_of(function.parameters.begin(), function.parameters.end(),
                       [&](int slot) { return mentionsLineages(function.slots[static_cast<size_t>(slot)].type); });
  };
  for (bool more = true; more;) {
    more = false;
    for (const Function *function : reached) {
      bool needed = mentions.count(function) > 0;
      for (const Function *callee : callees[function])
        needed |= lineages.count(callee) > 0;
      if (needed && !inParameter(*function))
        more |= lineages.insert(function).second;
    }
  }
}

} // namespace kac
