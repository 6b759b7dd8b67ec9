UPDATE t SET a = UUID(), b = '2001:db8::{1-99}:0', c = '10.{0-255}.{0-255}.0', d = REPEAT('long é ', {1-40}), e = REPEAT(X'FF00', {1-200}) WHERE id = {1-60}

UPDATE t SET v = v + 1 WHERE id = {1-60}

DELETE FROM t WHERE id = {20-60}
