// SPDX-License-Identifier: GPL-2.0-only

#include "options.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>

#include <unistd.h>    // environ

namespace dpse {
namespace {

using Refused = std::invalid_argument;

const std::set<std::string> ENGINE = {"precision", "tol",  "sel_overflow",  "head",
                                      "type_map",  "gemm", "deterministic", "deviation_tol"};
const std::set<std::string> OURS = {"device",
                                    "threads",
                                    "fparam",
                                    "fparam_from_compute",
                                    "fparam_from_fix",
                                    "aparam",
                                    "aparam_from_compute",
                                    "ttm",
                                    "out_freq",
                                    "out_file",
                                    "atomic",
                                    "relative",
                                    "relative_v"};
const std::map<std::string, std::string> MISSING = {
    {"virtual_len", "spin"}, {"spin_norm", "spin"}, {"charge_spin", "an embedding of charge and spin"}};

// Variables of other parts of dpse-fast. LAMMPS' neighbor command sets the skin here.
const std::vector<std::string> OF_OTHERS = {"DPSE_FAST_", "DPSE_LAMMPS_", "DPSE_MPI_", "DPSE_SKIN"};

bool begins(const std::string &text, const std::string &with)
{
  return text.compare(0, with.size(), with) == 0;
}

bool is_keyword(const std::string &word)
{
  return ENGINE.count(word) || OURS.count(word) || MISSING.count(word);
}

bool number(const std::string &word, double &value)
{
  char *end = nullptr;
  value = std::strtod(word.c_str(), &end);
  return !word.empty() && *end == '\0';
}

bool whole(const std::string &word, int &value)
{
  char *end = nullptr;
  const long found = std::strtol(word.c_str(), &end, 10);
  value = (int) found;
  return !word.empty() && *end == '\0' && found >= 0 && found <= 1000000000;
}

// The words after the models, one keyword after the other.
class Reader {
 public:
  Reader(const std::vector<std::string> &words, std::size_t begin) : words_(words), next_(begin) {}

  bool more() const { return next_ < words_.size(); }

  const std::string &keyword()
  {
    keyword_ = words_[next_++];
    const auto missing = MISSING.find(keyword_);
    if (missing != MISSING.end())
      throw Refused(keyword_ + ": models with " + missing->second + " are not supported");
    if (!is_keyword(keyword_))
      throw Refused(keyword_ + ": no keyword of pair_style dpse; model files come before the "
                               "keywords");
    return keyword_;
  }

  const std::string &value()
  {
    if (!more()) throw Refused(keyword_ + ": expected a value after it");
    return words_[next_++];
  }

  std::string id(const char *kind)
  {
    if (!more() || is_keyword(words_[next_]))
      throw Refused(keyword_ + ": expected the ID of a " + kind + " after it");
    return words_[next_++];
  }

  int at_least(int lowest)
  {
    const std::string &word = value();
    int found;
    if (!whole(word, found) || found < lowest)
      throw Refused(keyword_ + ": expected a whole number of at least " + std::to_string(lowest) +
                    ", got " + word);
    return found;
  }

  double level()
  {
    const std::string &word = value();
    double found;
    if (!number(word, found) || !(found >= 0))
      throw Refused(keyword_ + ": expected a number of 0 or more, got " + word);
    return found;
  }

  std::vector<double> numbers()
  {
    std::vector<double> found;
    double one;
    while (more() && number(words_[next_], one)) {
      found.push_back(one);
      next_++;
    }
    if (found.empty()) throw Refused(keyword_ + ": expected numbers, got " + value());
    return found;
  }

  bool is_next_value() const { return more() && !is_keyword(words_[next_]); }

 private:
  const std::vector<std::string> &words_;
  std::size_t next_;
  std::string keyword_;
};

// pair_style deepmd until 2020: models, then out_freq and out_file without keywords.
void take_old_words(Options &options)
{
  std::vector<std::string> &words = options.models;
  int steps;
  if (words.size() < 4 || !whole(words[words.size() - 2], steps)) return;
  options.out_freq = steps;
  options.out_file = words.back();
  words.resize(words.size() - 2);
}

void check_sources(const Options &options)
{
  const int frame = !options.fparam.empty() + !options.fparam_compute.empty() +
      !options.fparam_fix.empty();
  const int atomic = !options.aparam.empty() + !options.aparam_compute.empty() +
      !options.ttm.empty();
  if (frame > 1)
    throw Refused("expected one of fparam, fparam_from_compute and fparam_from_fix, got " +
                  std::to_string(frame));
  if (atomic > 1)
    throw Refused("expected one of aparam, aparam_from_compute and ttm, got " +
                  std::to_string(atomic));
}

}    // namespace

std::vector<std::string> of_environment(const std::vector<std::string> &words)
{
  std::set<std::string> keywords = ENGINE;
  keywords.insert({"device", "threads"});
  std::map<std::string, std::string> variables;
  std::string names;
  for (const std::string &keyword : keywords) {
    std::string name = "DPSE_";
    for (char c : keyword) name += (char) std::toupper((unsigned char) c);
    variables[name] = keyword;
    names += (names.empty() ? " " : ", ") + name;
  }
  for (char **line = environ; *line; line++) {
    const std::string text = *line, name = text.substr(0, text.find('='));
    if (begins(name, "DPSE_") && !variables.count(name) &&
        std::none_of(OF_OTHERS.begin(), OF_OTHERS.end(),
                     [&](const std::string &other) { return begins(name, other); }))
      throw Refused(name + ": there is no such variable; expected one of" + names);
  }
  const bool has_deviation = parse(words).has_deviation();
  std::vector<std::string> found;
  for (const auto &[name, keyword] : variables) {
    const char *value = std::getenv(name.c_str());
    if (!value || std::count(words.begin(), words.end(), keyword)) continue;
    if (keyword == "deviation_tol" && !has_deviation) continue;
    if (!*value) throw Refused(name + ": expected a value, got an empty text");
    found.insert(found.end(), {keyword, value});
  }
  return found;
}

std::string joined(const std::vector<std::string> &words)
{
  std::string found;
  for (const std::string &word : words) found += (found.empty() ? "" : " ") + word;
  return found;
}

Options parse(const std::vector<std::string> &words)
{
  Options found;
  while (found.models.size() < words.size() && !is_keyword(words[found.models.size()]))
    found.models.push_back(words[found.models.size()]);
  Reader reader(words, found.models.size());
  take_old_words(found);
  while (reader.more()) {
    const std::string keyword = reader.keyword();
    if (ENGINE.count(keyword)) {
      const std::string value = reader.value();
      found.engine += (found.engine.empty() ? "" : " ") + keyword + "=" + value;
      if (keyword == "deviation_tol") found.deviation_tol = value;
    } else if (keyword == "device") {
      found.device = reader.value();
      if (found.device == "auto") found.device.clear();
    } else if (keyword == "threads")
      found.threads = reader.at_least(1);
    else if (keyword == "fparam")
      found.fparam = reader.numbers();
    else if (keyword == "fparam_from_compute")
      found.fparam_compute = reader.id("compute");
    else if (keyword == "fparam_from_fix") {
      found.fparam_fix = reader.id("fix");
      found.fparam_index = reader.is_next_value() ? reader.at_least(1) : 0;
    } else if (keyword == "aparam")
      found.aparam = reader.numbers();
    else if (keyword == "aparam_from_compute")
      found.aparam_compute = reader.id("compute");
    else if (keyword == "ttm")
      found.ttm = reader.id("fix");
    else if (keyword == "out_freq")
      found.out_freq = reader.at_least(0);
    else if (keyword == "out_file")
      found.out_file = reader.value();
    else if (keyword == "atomic")
      found.atomic = true;
    else if (keyword == "relative")
      found.relative = reader.level();
    else
      found.relative_v = reader.level();
  }
  check_sources(found);
  if (!found.deviation_tol.empty() && !found.has_deviation())
    throw Refused("deviation_tol: expected two or more models and an out_freq above 0, got " +
                  std::to_string(found.models.size()) + " and " +
                  std::to_string(found.out_freq));
  return found;
}

}    // namespace dpse
