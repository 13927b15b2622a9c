error: column `ts` of type  holds no times
  help: times are timestamptz, timestamp (UTC), date, or text in the form of RFC 3339
