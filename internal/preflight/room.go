package preflight

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
)

// checkRoom says how much room the copy and its binary log take, and refuses where the server tells that there is less. Only
// MariaDB with its DISKS plugin tells.
func checkRoom(ctx context.Context, in *inspection) ([]finding, error) {
	if in.Resumes { // a part of it is taken already
		return nil, nil
	}
	n := need{table: in.source.DataBytes + in.source.IndexBytes, log: in.source.DataBytes}
	found := []finding{note(fmt.Sprintf("the copy of %s takes about %s beside the table (%s of rows, %s of indexes, about %d rows) and writes about %s of binary log, and as much again on each replica",
		in.source.Name, bytesText(n.table), bytesText(in.source.DataBytes), bytesText(in.source.IndexBytes), in.source.EstimatedRows, bytesText(n.log)), "")}
	disks, err := readDisks(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(disks) == 0 {
		return append(found, note("the server does not tell how much room is left: look at its disks yourself", "")), nil
	}
	data := in.global["datadir"]
	logs := in.global["log_bin_basename"]
	if logs == "" {
		logs = data
	}
	return append(found, roomFindings(n, diskOf(disks, data), diskOf(disks, filepath.Dir(logs)))...), nil
}

// need is the room that a migration takes, in bytes.
type need struct{ table, log uint64 }

// disk is a file system of the server's machine.
type disk struct {
	path string
	free uint64 // bytes that the server can use
}

func readDisks(ctx context.Context, in *inspection) ([]disk, error) {
	if !in.Server.IsMariaDB() {
		return nil, nil
	}
	const plugin = "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'DISKS' AND PLUGIN_STATUS = 'ACTIVE'"
	if active, err := queryRows(ctx, in.DB, plugin); err != nil || len(active) == 0 {
		return nil, err
	}
	rows, err := in.DB.QueryContext(ctx, "SELECT Path, Available FROM information_schema.DISKS")
	if conn.IsAccessDenied(err) {
		return nil, nil // it takes the right FILE, which is too much to ask for
	}
	if err != nil {
		return nil, fmt.Errorf("read disks: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err below tells what matters
	var disks []disk
	for rows.Next() {
		var d disk
		if err := rows.Scan(&d.path, &d.free); err != nil {
			return nil, fmt.Errorf("read disks: %w", err)
		}
		d.free *= 1024
		disks = append(disks, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read disks: %w", err)
	}
	return disks, nil
}

// diskOf returns the file system that a folder is on, the one mounted nearest above it; nil if none is.
func diskOf(disks []disk, folder string) *disk {
	folder = filepath.Clean(folder) + "/"
	var nearest *disk
	for i := range disks {
		mount := strings.TrimSuffix(disks[i].path, "/") + "/"
		if strings.HasPrefix(folder, mount) && (nearest == nil || len(disks[i].path) > len(nearest.path)) {
			nearest = &disks[i]
		}
	}
	return nearest
}

// roomFindings compares the need with what is free on the disks of data and binary log, nil where that is not known.
func roomFindings(n need, data, logs *disk) []finding {
	if data == nil {
		return []finding{note("the server does not tell how much room is left on the disk of its data: look yourself", "")}
	}
	total := n.table
	if logs != nil && logs.path == data.path {
		total += n.log
	}
	var found []finding
	switch {
	case data.free < n.table:
		found = append(found, fail(fmt.Sprintf("%s has %s free: the copy takes about %s", data.path, bytesText(data.free), bytesText(n.table)), "make room there"))
	case data.free < total:
		found = append(found, warn(fmt.Sprintf("%s has %s free: the copy and its binary log take about %s", data.path, bytesText(data.free), bytesText(total)), "make room there"))
	}
	if logs != nil && logs.path != data.path && logs.free < n.log {
		found = append(found, warn(fmt.Sprintf("%s has %s free: the migration writes about %s of binary log", logs.path, bytesText(logs.free), bytesText(n.log)), "make room there"))
	}
	return found
}

// bytesText writes a number of bytes for a person: "12.3 GiB".
func bytesText(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", value, units[unit])
}
