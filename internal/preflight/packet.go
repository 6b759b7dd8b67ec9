package preflight

import (
	"context"
	"fmt"
)

// smallestPacket is the packet size that batches and rows are planned for.
const smallestPacket = 1 << 20

// checkPacketSize refuses a server whose packets are too small for a batch.
func checkPacketSize(_ context.Context, in *inspection) ([]finding, error) {
	if size := in.global.number("max_allowed_packet"); size < smallestPacket {
		return []finding{fail(fmt.Sprintf("max_allowed_packet is %.0f bytes: less than %d", size, smallestPacket),
			fmt.Sprintf("SET GLOBAL max_allowed_packet = %d", 64*smallestPacket))}, nil
	}
	return nil, nil
}
