// The leader against the others in words: every number comes from the predictions, and each
// sentence is there because its condition holds in them.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/compare.h"
#include "analysis/lead.h"
#include "analysis/report/layout.h"

namespace tenk {
namespace {

using enum Category;

bool moves_bytes(Category c) { return c != kCompute && c != kOther && c != kBubble; }

double part(const Prediction& p, Category c) { return p.breakdown_s[static_cast<std::size_t>(c)]; }

// The category in which `p` takes most longer than `than`, of those `asked`.
template <class Asked>
Category grown_most(const Prediction& p, const Prediction& than, Asked asked) {
  Category most = kCompute;
  double gain = -1e300;
  for (std::size_t i = 0; i < kCategoryNames.size(); ++i) {
    const auto c = static_cast<Category>(i);
    if (!asked(c) || part(p, c) - part(than, c) <= gain) continue;
    gain = part(p, c) - part(than, c);
    most = c;
  }
  return most;
}

double full_of(const Prediction& p, const LinkTraffic& like) {
  for (const LinkTraffic& t : p.traffic) {
    if (t.kind == like.kind && t.category == like.category) return t.full_s;
  }
  return 0;
}

// A kind of network links and a category of traffic that meets it full for longer than in `than`.
struct Hold {
  const LinkTraffic* traffic = nullptr;
  double longer_s = 0;
};

// The longest such; if `only` is a category that moves bytes, of its traffic.
Hold hold_of(const Prediction& p, const Prediction& than, Category only) {
  Hold most;
  for (const LinkTraffic& t : p.traffic) {
    if (!t.network || (moves_bytes(only) && t.category != only)) continue;
    const double longer = t.full_s - full_of(than, t);
    if (longer > most.longer_s * (1 + 1e-6)) most = {&t, longer};
  }
  return most;
}

double mean_of(const Prediction& p, const std::string& kind) {
  for (const LinkUse& use : p.links) {
    if (use.kind == kind) return use.mean_utilisation;
  }
  return 0;
}

// " There dp traffic meets leaf-spine up full for 0.9 s of the step ...".
std::string links_sentence(const Hold& hold, const ComparedCluster& slow,
                           const ComparedCluster& lead) {
  if (hold.traffic == nullptr) {
    return " No network link is full for longer: longer paths, more of them or links inside the "
           "nodes make the difference.";
  }
  const LinkTraffic& t = *hold.traffic;
  const double there = full_of(lead.prediction, t);
  return fmt::format(
      " There {} traffic meets {} full for {} of the step (mean utilisation {}), in {} {}.",
      name_of(t.category), t.kind, duration_text(t.full_s),
      percent(mean_of(slow.prediction, t.kind)), lead.label,
      there > 0 ? fmt::format("for {}", duration_text(there)) : "never");
}

// " It costs 14.2 million USD (2.1 %) less and draws 0.1 MW less."
std::string price_sentence(const Prediction& other, const Prediction& lead) {
  const double usd = other.cost.capex_usd - lead.cost.capex_usd;
  const double watts = other.cost.power_w - lead.cost.power_w;
  if (lead.cost.capex_usd <= 0 || std::abs(usd) < 1e-4 * lead.cost.capex_usd) {
    return " It costs the same.";
  }
  const std::string cost =
      fmt::format(" It costs {} ({}) {}", money(std::abs(usd)),
                  percent(std::abs(usd) / lead.cost.capex_usd), usd < 0 ? "less" : "more");
  if (watts == 0) return cost + " and draws the same power.";
  return fmt::format("{} and draws {} {}.", cost, prefixed(std::abs(watts), "W"),
                     watts < 0 ? "less" : "more");
}

// " clos-4to1 has the cheapest tokens: against clos it saves ...".
std::string saving_sentence(const ComparedCluster& cheap, const ComparedCluster& lead) {
  const Cost &c = cheap.prediction.cost, &l = lead.prediction.cost;
  const CostPart* most = nullptr;
  double saved = 0;
  for (const CostPart& part : l.parts) {
    double here = 0;
    for (const CostPart& other : c.parts) {
      if (other.name == part.name) here += other.usd;
    }
    if (part.usd - here <= saved) continue;
    saved = part.usd - here;
    most = &part;
  }
  std::string text = fmt::format(
      " {} has the cheapest tokens: it takes {} longer than {} and costs {} less", cheap.label,
      percent(cheap.prediction.step_time.s() / lead.prediction.step_time.s() - 1), lead.label,
      money(l.capex_usd - c.capex_usd));
  if (most != nullptr) text += fmt::format(", most of it {} ({})", most->name, money(saved));
  return text + ".";
}

std::string sentences_about(const ComparedCluster& other, const ComparedCluster& lead) {
  const Prediction &o = other.prediction, &l = lead.prediction;
  const double longer = (o.step_time - l.step_time).s();
  if (longer < 0) {
    return fmt::format("{} would take {} ({}) less but is not feasible: {}.", other.label,
                       duration_text(-longer), percent(-longer / l.step_time.s()), o.reason);
  }
  const Category grown = grown_most(o, l, [](Category) { return true; });
  std::string text =
      fmt::format("{} takes {} ({}) longer, most of it {} (+{})", other.label,
                  duration_text(longer), percent(longer / l.step_time.s()), category_title(grown),
                  duration_text(part(o, grown) - part(l, grown)));
  const Hold hold = hold_of(o, l, grown);
  if (!moves_bytes(grown) && hold.traffic != nullptr) {
    text += fmt::format(" behind {}", category_title(hold.traffic->category));
  }
  text += "." + links_sentence(hold, other, lead);
  text += price_sentence(o, l);
  if (!o.buildable) text += " It cannot be built as it stands.";
  return text;
}

}  // namespace

std::string explain_lead(const Comparison& c, std::size_t leader) {
  const ComparedCluster& lead = c.clusters[leader];
  const double step = lead.prediction.step_time.s();
  const Category largest = grown_most(lead.prediction, {}, [](Category) { return true; });
  std::string text =
      fmt::format("{} takes {} a step, {} of it {}.", lead.label, duration_text(step),
                  percent(part(lead.prediction, largest) / step), category_title(largest));
  std::vector<const ComparedCluster*> others;
  std::vector<std::string> near;
  for (std::size_t i = 0; i < c.clusters.size(); ++i) {
    if (i == leader) continue;
    const double ratio = c.clusters[i].prediction.step_time.s() / step;
    if (std::abs(ratio - 1) < kSmallestLead) {
      near.push_back(c.clusters[i].label);
    } else {
      others.push_back(&c.clusters[i]);
    }
  }
  std::stable_sort(others.begin(), others.end(), [](const auto* a, const auto* b) {
    return a->prediction.step_time < b->prediction.step_time;
  });
  if (!near.empty()) {
    text += fmt::format(" {} {} within {:.1f} % of it.", fmt::join(near, ", "),
                        near.size() == 1 ? "is" : "are", 100 * kSmallestLead);
  }
  for (const ComparedCluster* other : others) text += " " + sentences_about(*other, lead);
  const bool feasible = lead.prediction.fits && lead.prediction.buildable;
  for (const Verdict& v : c.verdicts) {
    if (v.question != (feasible ? "cheapest_tokens_buildable" : "cheapest_tokens")) continue;
    if (!v.leader || *v.leader == leader) continue;
    if (c.clusters[*v.leader].prediction.cost.capex_usd >= lead.prediction.cost.capex_usd) continue;
    text += saving_sentence(c.clusters[*v.leader], lead);
  }
  return text;
}

}  // namespace tenk
