// Structures, and what they are made of, as texts that are equal where the things are.
#include "dsl/Identity.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace kac::checking {

static std::string address(const void *pointer) { return std::to_string(reinterpret_cast<uintptr_t>(pointer)); }

static std::string bitsOf(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return std::to_string(bits);
}

std::string Identity::numbered(const std::string &text) {
  return "#" + std::to_string(numbers.try_emplace(text, numbers.size()).first->second);
}

std::string Identity::nameOf(const StructurePtr &structure) {
  if (auto found = structures.find(structure); found != structures.end())
    return found->second;
  auto [place, isNew] = names.try_emplace(structure->name + " " + describe(structure));
  if (isNew) {
    size_t count = ++taken[structure->name];
    place->second = count == 1 ? structure->name : structure->name + "." + std::to_string(count);
  }
  return structures[structure] = place->second;
}

std::string Identity::likenessOf(const StructurePtr &structure) {
  byType = true;
  std::string text = describe(structure);
  byType = false;
  return text;
}

static bool isConstant(const Expr &e) {
  return e.op != Op::Local && !e.body && !e.otherwise &&
         std::all_of(e.args.begin(), e.args.end(), [](const ExprPtr &arg) { return isConstant(*arg); });
}

std::string Identity::describe(const Block &block, const Value &value, size_t outer) {
  std::map<int, int> slots;
  for (size_t slot = 0; slot < outer; ++slot)
    slots[int(slot)] = int(slot);
  within = &slots;
  std::string text = describe(block, slots);
  text += describe(value);
  within = nullptr;
  return text;
}

std::string Identity::describe(const StructurePtr &structure) {
  if (auto at = std::find(around.begin(), around.end(), structure.get()); at != around.end()) {
    outermost = std::min(outermost, size_t(at - around.begin()));
    return "outer " + std::to_string(at - around.begin());
  }
  // What captures nothing is the same within any function.
  auto *function = std::exchange(within, structure->local ? within : nullptr);
  std::string &known = structure->settled.described[byType];
  if (!within && !known.empty()) {
    within = function;
    return known;
  }
  const size_t before = std::exchange(outermost, around.size());
  around.push_back(structure.get());
  std::string text = "structure " + address(structure->kind) + " " + address(structure->node);
  for (const Layer &layer : structure->layers)
    text += " layer " + address(layer.fields) + describe(layer.scope);
  for (const auto &[name, value] : structure->parameters)
    text += " " + name + "=" + describe(value);
  text += describe(structure->bindings);
  for (int64_t size : structure->frame)
    text += " x" + std::to_string(size);
  for (const StructurePtr &choice : structure->choices)
    text += " or " + describe(choice);
  if (structure->choice)
    text += " by " + describe(Value::of(structure->choice));
  around.pop_back();
  text = numbered(text);
  if (outermost == around.size() && !within) // it is told from itself
    known = text;
  outermost = std::min(outermost, before);
  within = function;
  return text;
}

std::string Identity::describe(const Bindings &bindings) {
  std::string text;
  for (const auto &[name, binding] : bindings) {
    text += " " + name + ":" + (binding.isType ? printType(binding.type) : "");
    for (int64_t size : binding.sizes)
      text += " " + std::to_string(size);
  }
  return text;
}

std::string Identity::describe(const ScopePtr &scope) {
  std::string text;
  for (ScopePtr s = scope; s && s->kind != Scope::Kind::File; s = s->parent) {
    if (s->kind == Scope::Kind::Braces)
      text += " in " + describe(s->self) + " " + std::to_string(s->layer);
    for (const auto &[name, value] : s->names)
      text += " " + name + "=" + describe(value);
    text += describe(s->bindings);
  }
  return text;
}

std::string Identity::describe(const Value &value) {
  switch (value.kind) {
  case Value::Kind::Run: {
    if (byType && !isConstant(*value.run))
      return "a " + printType(value.run->type);
    std::map<int, int> own;
    return describe(*value.run, within ? *within : own);
  }
  case Value::Kind::Function: {
    const Closure &closure = *value.closure;
    if (closure.kind == Closure::Kind::Native)
      return "native " + address(&closure);
    return "fn " + address(closure.node) + " " + closure.name + describe(closure.scope) +
           (closure.structure ? describe(closure.structure) : "");
  }
  case Value::Kind::Structure:
    return describe(value.structure);
  case Value::Kind::Array: {
    // One made by a comprehension is known by its address alone: its elements are made when they are asked for.
    if (value.array->elements.empty())
      return "array " + address(value.array.get());
    std::string text = "array";
    for (const Value &element : value.array->elements)
      text += " " + describe(element);
    return numbered(text);
  }
  case Value::Kind::Tuple: {
    std::string text = "tuple";
    for (const auto &[name, part] : value.parts)
      text += " " + name + "=" + describe(part);
    return text;
  }
  case Value::Kind::Target: {
    std::string text = "target";
    for (const Factor &factor : value.target->factors) {
      text += factor.structure ? " " + describe(factor.structure) : "";
      if (factor.tilt)
        text += " " + describe(Value::of(factor.tilt));
      text += "^" + describe(Value::of(factor.power));
    }
    return text;
  }
  case Value::Kind::Text:
    return "text " + value.text;
  case Value::Kind::Default:
    return "default";
  }
  return {};
}

std::string Identity::describe(const Function *function) {
  auto [place, isNew] = functions.try_emplace(function, "itself");
  if (isNew) // what its body calls is entered meanwhile
    functions[function] = describe(*function);
  return functions[function];
}

std::string Identity::describe(const Function &function) {
  std::map<int, int> slots;
  std::string text = "function";
  for (int slot : function.parameters)
    text += " " + printType(function.slots[size_t(slot)].type) +
            std::to_string(slots.try_emplace(slot, slots.size()).first->second);
  return numbered(text + describe(function.body, slots));
}

std::string Identity::describe(const Expr &e, std::map<int, int> &slots) {
  auto slotText = [&](int slot) {
    return " s" + std::to_string(slots.try_emplace(slot, int(slots.size())).first->second);
  };
  std::string text = std::to_string(int(e.op)) + " " + printType(e.type) + " " + bitsOf(e.number) + " " + e.name + " " +
                     std::to_string(e.index) + slotText(e.slot);
  for (const ExprPtr &arg : e.args)
    text += " (" + (arg ? describe(*arg, slots) : "") + ")";
  for (int slot : e.slots)
    text += slotText(slot);
  for (int64_t extent : e.extents)
    text += " e" + std::to_string(extent);
  for (int part : e.path)
    text += " p" + std::to_string(part);
  if (e.function)
    text += " " + describe(e.function);
  for (const Function *derivative : e.derivatives)
    text += " d" + (derivative ? describe(derivative) : "");
  for (const auto &block : {e.body, e.otherwise})
    text += block ? describe(*block, slots) : " none";
  return numbered(text);
}

std::string Identity::describe(const Block &block, std::map<int, int> &slots) {
  std::string text = " {";
  for (const Statement &s : block.statements) {
    text += " " + std::to_string(int(s.kind)) + " s" +
            std::to_string(slots.try_emplace(s.slot, int(slots.size())).first->second);
    for (const ExprPtr &e : {s.value, s.second, s.condition})
      text += " " + (e ? describe(*e, slots) : "-");
    for (const ExprPtr &index : s.indices)
      text += " [" + describe(*index, slots) + "]";
    for (const auto &inside : {s.body, s.otherwise})
      text += inside ? describe(*inside, slots) : " none";
  }
  return text + " } " + (block.result ? describe(*block.result, slots) : "");
}

} // namespace kac::checking
