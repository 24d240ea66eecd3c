-- wrk's script. Arguments behind `--`: the request's body, in which the card numbers 9999999999990001, …0002 and so
-- on stand for the request's first card, second card and so on; a seed; what every answer must hold (empty: answers
-- are not looked at); the Authorization header (empty: none), or `Name: value` of another; and a file of card numbers, one a line, that are asked
-- for one after the other (empty: every request asks for new ones).

local CARD = "999999999999(%d%d%d%d)"
local number, step = 0, 7368787
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- The request as it is sent, cut at its card numbers: `fixed[i]` comes before the card that `which[i]` says.
local function cut(whole)
  local fixed, which, at = {}, {}, 1
  while true do
    local first, last, card = whole:find(CARD, at)
    if not first then
      table.insert(fixed, whole:sub(at))
      return fixed, which
    end
    table.insert(fixed, whole:sub(at, first - 1))
    table.insert(which, tonumber(card))
    at = last + 1
  end
end

-- Sixteen digits: a 9, seven that repeat only after ten million requests (the step and 10^7 have no common factor),
-- and eight at random. So no card comes twice, and no two neighbours look alike.
local function fresh()
  number = (number + step) % 10000000
  return string.format("9%07d%08d", number, math.random(0, 99999999))
end

local function from_file(path, start)
  local cards, at = {}, 0
  for line in io.lines(path) do
    table.insert(cards, line)
  end
  at = start % #cards
  return function()
    at = at % #cards + 1
    return cards[at]
  end
end

function init(args)
  local body, expected, authorization, file = args[1], args[3], args[4], args[5]
  math.randomseed(tonumber(args[2]))
  number = math.random(0, 9999999)
  local headers = { ["Content-Type"] = "application/json" }
  if authorization ~= "" then
    local name, value = authorization:match("^([%w-]+): (.*)$")
    headers[name or "Authorization"] = value or authorization
  end
  local next_card = file ~= "" and from_file(file, number) or fresh
  local fixed, which = cut(wrk.format("POST", nil, headers, body))
  if #which == 1 then
    local head, tail = fixed[1], fixed[2]
    request = function()
      return head .. next_card() .. tail
    end
  else
    local parts, cards, distinct = {}, {}, 0
    for at, piece in ipairs(fixed) do
      parts[2 * at - 1] = piece
    end
    for _, card in ipairs(which) do
      distinct = math.max(distinct, card)
    end
    request = function()
      for at = 1, distinct do
        cards[at] = next_card()
      end
      for at = 1, #which do
        parts[2 * at] = cards[which[at]]
      end
      return table.concat(parts)
    end
  end
  wrong, sample = 0, ""
  if expected ~= "" then
    response = function(status, headers, answer)
      if status ~= 200 or not answer:find(expected, 1, true) or answer:find('"errors"', 1, true) then
        wrong = wrong + 1
        sample = answer:sub(1, 300):gsub("%c", " ")
      end
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local bad = 0
  for _, thread in ipairs(threads) do
    bad = bad + thread:get("wrong")
    if thread:get("sample") ~= "" then
      io.write("\nWRONG " .. thread:get("sample"))
    end
  end
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,'
      .. '"wrong":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    bad, latency:percentile(50), latency:percentile(99)
  ))
end
