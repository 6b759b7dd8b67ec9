UPDATE t SET g = ST_GeomFromText('LINESTRING(0 0, {1-89} {1-89})', 4326), p = ST_GeomFromText('POINT({1-89} {1-89})', 4326) WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
