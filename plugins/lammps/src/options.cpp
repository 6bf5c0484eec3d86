// SPDX-License-Identifier: GPL-2.0-only

#include "options.h"

#include <cstdlib>
#include <set>
#include <stdexcept>

namespace dpse {
namespace {

const std::set<std::string> ENGINE = {"precision", "tol", "sel_overflow", "head", "gemm"};
const std::set<std::string> OURS = {"device",   "threads", "fparam",   "aparam",    "out_freq",
                                    "out_file", "atomic",  "relative", "relative_v"};
const std::set<std::string> MISSING = {"fparam_from_compute", "fparam_from_fix",
                                       "aparam_from_compute", "ttm", "virtual_len", "spin_norm"};

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

double level(const std::string &keyword, const std::string &word)
{
  double value;
  if (!number(word, value) || !(value >= 0))
    throw std::invalid_argument(keyword + ": expected a number of 0 or more, got " + word);
  return value;
}

int whole(const std::string &keyword, const std::string &word, int lowest)
{
  char *end = nullptr;
  const long value = std::strtol(word.c_str(), &end, 10);
  if (word.empty() || *end != '\0' || value < lowest || value > 1000000000)
    throw std::invalid_argument(keyword + ": expected a whole number of at least " +
                                std::to_string(lowest) + ", got " + word);
  return (int) value;
}

}    // namespace

std::string joined(const std::vector<std::string> &words)
{
  std::string found;
  for (const std::string &word : words) found += (found.empty() ? "" : " ") + word;
  return found;
}

Options parse(const std::vector<std::string> &words)
{
  Options found;
  std::size_t k = 0;
  while (k < words.size() && !is_keyword(words[k])) found.models.push_back(words[k++]);
  while (k < words.size()) {
    const std::string keyword = words[k++];
    if (MISSING.count(keyword))
      throw std::invalid_argument(keyword + ": pair_style dpse does not have this keyword of "
                                            "pair_style deepmd");
    if (!is_keyword(keyword))
      throw std::invalid_argument(keyword + ": no keyword of pair_style dpse; model files come "
                                            "before the keywords");
    if (keyword == "atomic") {
      found.atomic = true;
      continue;
    }
    if (k == words.size()) throw std::invalid_argument(keyword + ": expected a value after it");
    if (keyword == "fparam" || keyword == "aparam") {
      std::vector<double> &values = keyword == "fparam" ? found.fparam : found.aparam;
      values.clear();
      double value;
      while (k < words.size() && number(words[k], value)) {
        values.push_back(value);
        k++;
      }
      if (values.empty())
        throw std::invalid_argument(keyword + ": expected numbers, got " + words[k]);
      continue;
    }
    const std::string &word = words[k++];
    if (ENGINE.count(keyword))
      found.engine += (found.engine.empty() ? "" : " ") + keyword + "=" + word;
    else if (keyword == "device")
      found.device = word == "auto" ? "" : word;
    else if (keyword == "threads")
      found.threads = whole(keyword, word, 1);
    else if (keyword == "out_freq")
      found.out_freq = whole(keyword, word, 0);
    else if (keyword == "out_file")
      found.out_file = word;
    else if (keyword == "relative")
      found.relative = level(keyword, word);
    else
      found.relative_v = level(keyword, word);
  }
  return found;
}

}    // namespace dpse
