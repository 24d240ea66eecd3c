-- wrk's script. Arguments behind `--`: the request's body with the card number CARD in it, a seed, and what every
-- answer must hold (empty: answers are not looked at), and the Authorization header (empty: none).

local CARD = "9999999999999999"
local head, tail
local number, step = 0, 7368787
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local body, expected = args[1], args[3]
  math.randomseed(tonumber(args[2]))
  number = math.random(0, 9999999)
  local headers = { ["Content-Type"] = "application/json" }
  if args[4] ~= "" then
    headers["Authorization"] = args[4]
  end
  local whole = wrk.format("POST", nil, headers, body)
  local first, last = whole:find(CARD, 1, true)
  head, tail = whole:sub(1, first - 1), whole:sub(last + 1)
  wrong = 0
  if expected ~= "" then
    response = function(status, headers, answer)
      if status ~= 200 or answer:find('"errors"', 1, true) or not answer:find(expected, 1, true) then
        wrong = wrong + 1
      end
    end
  end
end

-- Sixteen digits: a 9, seven that repeat only after ten million requests (the step and 10^7 have no common factor),
-- and eight at random. So no card comes twice, and no two neighbours look alike.
function request()
  number = (number + step) % 10000000
  return head .. string.format("9%07d%08d", number, math.random(0, 99999999)) .. tail
end

function done(summary, latency, requests)
  local errors = summary.errors
  local bad = 0
  for _, thread in ipairs(threads) do
    bad = bad + thread:get("wrong")
  end
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,'
      .. '"wrong":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    bad, latency:percentile(50), latency:percentile(99)
  ))
end
