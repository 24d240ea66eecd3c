-- wrk's script. Arguments after `--`: the request's body, in which the card numbers 9999999999990001, …0002 and so on
-- stand for the request's first card, second card and so on; a seed; what every answer must hold; `Name: value` of a
-- header (empty: none); and a file of card numbers, one a line, that are asked for in turn (empty: every request asks
-- for new ones).

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- Sixteen digits: a 9, seven that repeat only after ten million requests (the step and 10^7 have no common factor),
-- and eight at random. So no card comes twice, and no two neighbours look alike.
local function fresh()
  local number = math.random(0, 9999999)
  return function()
    number = (number + 7368787) % 10000000
    return string.format("9%07d%08d", number, math.random(0, 99999999))
  end
end

local function from_file(path)
  local cards = {}
  for line in io.lines(path) do
    table.insert(cards, line)
  end
  local at = math.random(#cards)
  return function()
    at = at % #cards + 1
    return cards[at]
  end
end

function init(args)
  local body, seed, expected, credential, file = args[1], args[2], args[3], args[4], args[5]
  math.randomseed(tonumber(seed))
  local headers = { ["Content-Type"] = "application/json" }
  if credential ~= "" then
    local name, value = credential:match("^([%w-]+): (.*)$")
    headers[name] = value
  end
  local next_card = file ~= "" and from_file(file) or fresh()
  -- The request as it is sent, cut at its card numbers: `parts` gets the card `which[i]` at its place 2 * i.
  local parts, which, distinct, at = {}, {}, 0, 1
  for before, card, after in wrk.format("POST", nil, headers, body):gmatch("(.-)999999999999(%d%d%d%d)()") do
    table.insert(parts, before)
    table.insert(parts, "")
    table.insert(which, tonumber(card))
    distinct, at = math.max(distinct, tonumber(card)), after
  end
  table.insert(parts, wrk.format("POST", nil, headers, body):sub(at))
  local cards = {}
  request = function()
    for card = 1, distinct do
      cards[card] = next_card()
    end
    for place, card in ipairs(which) do
      parts[2 * place] = cards[card]
    end
    return table.concat(parts)
  end
  wrong, sample = 0, ""
  response = function(status, _, answer)
    if status ~= 200 or not answer:find(expected, 1, true) or answer:find('"errors"', 1, true) then
      wrong = wrong + 1
      sample = answer:sub(1, 300):gsub("%c", " ")
    end
  end
end

function done(summary, latency)
  local errors, bad = summary.errors, 0
  for _, thread in ipairs(threads) do
    bad = bad + thread:get("wrong")
    io.write("\nWRONG " .. thread:get("sample"))
  end
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,'
      .. '"wrong":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    bad, latency:percentile(50), latency:percentile(99)
  ))
end
