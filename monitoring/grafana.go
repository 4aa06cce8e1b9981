package monitoring

import (
	"encoding/json"
	"fmt"

	"github.com/etcdctr/etcdctr/cluster"
)

// Grafana's grid has 24 columns.
const (
	gridWidth                 = 24
	statWidth, statHeight     = 4, 4
	seriesWidth, seriesHeight = 8, 8
)

type object = map[string]any

// Grafana renders a dashboard to import. Its data source is chosen there, and so is
// the cluster.
func Grafana(v cluster.Version) ([]byte, error) {
	var panels []object
	y, id := 0, 0
	for _, row := range Rows(v) {
		id++
		panels = append(panels, object{
			"id": id, "type": "row", "title": row.Title, "collapsed": false, "panels": []any{},
			"gridPos": object{"x": 0, "y": y, "w": gridWidth, "h": 1},
		})
		y++
		x, height := 0, 0
		for _, p := range row.Panels {
			w, h := seriesWidth, seriesHeight
			if p.Kind == "stat" {
				w, h = statWidth, statHeight
			}
			if x+w > gridWidth {
				x, y = 0, y+height
			}
			id++
			drawn := p.grafana()
			drawn["id"], drawn["gridPos"] = id, object{"x": x, "y": y, "w": w, "h": h}
			panels = append(panels, drawn)
			x, height = x+w, h
		}
		y += height
	}
	data, err := json.MarshalIndent(object{
		"title": fmt.Sprintf("etcd 3.%d", v.Minor), "uid": fmt.Sprintf("etcdctr-etcd-3-%d", v.Minor), "tags": []string{"etcd"},
		"schemaVersion": 39, "editable": true, "refresh": "30s", "time": object{"from": "now-1h", "to": "now"},
		"templating": object{"list": []object{
			{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
			{
				"name": "cluster", "label": "Cluster", "type": "query", "refresh": 2, "datasource": source,
				"query": `label_values(up{job="etcd"}, cluster)`, "definition": `label_values(up{job="etcd"}, cluster)`,
			},
		}},
		"panels": panels,
	}, "", "  ")
	return append(data, '\n'), err
}

var source = object{"type": "prometheus", "uid": "${datasource}"}

func (p Panel) grafana() object {
	var targets []object
	for i, q := range p.Queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "expr": q.Expr, "legendFormat": q.Legend, "datasource": source, "instant": p.Kind == "stat",
		})
	}
	defaults := object{"unit": p.Unit, "min": 0}
	options := object{"legend": object{"displayMode": "list", "placement": "bottom"}, "tooltip": object{"mode": "multi", "sort": "desc"}}
	if p.Kind == "stat" {
		options = object{"reduceOptions": object{"calcs": []string{"lastNotNull"}}, "textMode": "auto"}
		if p.Queries[0].Legend != "" {
			options["textMode"] = "name"
		}
	} else {
		defaults["custom"] = object{"lineWidth": 2, "fillOpacity": 8, "showPoints": "never"}
	}
	return object{
		"type": p.Kind, "title": p.Title, "description": p.Help, "datasource": source, "targets": targets,
		"fieldConfig": object{"defaults": defaults, "overrides": []any{}}, "options": options,
	}
}
