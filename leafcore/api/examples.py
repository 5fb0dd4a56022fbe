"""An example of every body, answer and parameter of the API, as its description shows them; a test holds them true."""

from typing import Any

TRAINING = "20261104-081500-120-leafgan-5c1e"
RUN = "20261104-093000-045-synthesize-9f3a"
EXPORT = "20261104-094500-310-export-07bd"
WEIGHTS = "7e084268a26f0d1fb4c5c8c1a4f1f2d5a1c9e8b7d6f5a4b3c2d1e0f9a8b7c6d5"
FILE = "000000-4be7a2f1.png"
VIEW: dict[str, Any] = {
    "run": RUN,
    "path": f"/srv/leaf/workspace/runs/{RUN}",
    "record": {
        "kind": "synthesize",
        "title": "Synthesize healthy to rust",
        "settings": {
            "chain": ["healthy-to-rust#7e084268a26f"],
            "dataset": "sample-leaves@2c91d7e0a4b3",
            "source": "healthy",
            "count": 24,
        },
        "config_hash": "b1946ac92492",
        "uses": [],
        "extends": "",
        "created": 1793784600.0,
        "code_version": "0.1.0",
    },
    "status": {
        "state": "running",
        "phase": "translating",
        "done": 8,
        "total": 24,
        "queued": 1793784600.0,
        "eta_s": 4.0,
    },
    "result": {},
}
CARD = {
    "name": "healthy-to-rust",
    "recipe": "leafgan",
    "description": {"size_px": 256, "a": "healthy", "b": "rust"},
    "run": TRAINING,
    "epoch": 40,
    "weights_sha256": WEIGHTS,
    "license": "CC BY 4.0",
    "created": 1793780100.0,
    "code_version": "0.1.0",
}
USE = {
    "time": 1793784600.0,
    "source": "api",
    "checkpoint": "rust-dcgan",
    "weights_sha256": WEIGHTS,
    "n": 8,
    "latency_ms": 41.7,
    "cached": False,
    "called": {"rust": 7, "scab": 1},
}
REVIEW = {
    "run": RUN,
    "pictures": 24,
    "kept": 1,
    "rejected": 1,
    "unrated": 22,
    "stars": {"4": 1},
    "opinions": {
        FILE: {"verdict": "keep", "stars": 4, "by": "Ada", "at": 1793784900.0},
        "000001-93d0c1aa.png": {"verdict": "reject", "stars": 0, "by": "Ada", "at": 1793784905.0},
    },
}
BASE = {
    "name": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "license": "CreativeML OpenRAIL-M",
    "license_url": "https://huggingface.co/spaces/CompVis/stable-diffusion-license",
    "bytes": 4_270_000_000,
    "accepted": True,
    "folder": "/srv/leaf/workspace/downloads/models/stable-diffusion-v1-5--stable-diffusion-v1-5",
    "is_here": True,
    "used_by": ["rust-dreambooth"],
    "problem": "",
}
CHAIN = {"chain": ["healthy-to-rust:0.7:leaf", "healthy-to-frog-eye"], "label_rule": "union", "custom_label": ""}
PARAMETERS: dict[str, Any] = {
    "run_id": RUN,
    "checkpoint": "rust-dcgan",
    "base": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "label": "rust",
    "kind": "synthesize",
    "epoch": 40,
    "epochs": 20,
    "seeds": [1, 2],
    "where": "next",
    "not_before": 1793800000.0,
    "cap": 200,
    "Idempotency-Key": "rust-for-monday",
}
NAMES = {
    "/runs/{run_id}/images/{name}": FILE,
    "/runs/{run_id}/thumbnails/{name}": FILE,
    "/runs/{run_id}/sources/{name}": FILE,
    "/runs/{run_id}/steps/{name}": "000000-4be7a2f1.1.png",
    "/uploads": "leaves.zip",
    "/chains/{name}": "rust-then-frog-eye",
    "/checkpoints/{name}": "healthy-to-rust",
}
NAME = "sample-leaves"  # what {name} is elsewhere

BODIES: dict[tuple[str, str], Any] = {
    ("post", "/runs"): {
        "kind": "synthesize",
        "settings": {"chain": ["healthy-to-rust"], "dataset": "sample-leaves", "source": "healthy", "count": 24},
        "title": "Rust for Monday",
    },
    ("post", "/datasets/{name}/plan"): {"target": "median", "skip": True},
    ("put", "/chains/{name}"): CHAIN,
    ("post", "/runs/{run_id}/promote"): {"name": "healthy-to-rust", "epoch": 40},
    ("post", "/runs/{run_id}/review"): {"keep": [FILE], "stars": {FILE: 4}, "by": "Ada"},
}
ANSWERS: dict[tuple[str, str], Any] = {
    ("get", "/health"): {"status": "ok", "version": "0.1.0"},
    ("get", "/datasets"): ["orchard-2021", "sample-leaves"],
    ("get", "/datasets/{name}"): {
        "dataset": "sample-leaves@2c91d7e0a4b3",
        "images": 180,
        "label_sets": {"healthy": {"train": 84, "val": 18, "test": 18, "total": 120}},
        "card": {"name": "sample-leaves", "license": "CC0-1.0"},
        "versions": ["2c91d7e0a4b3"],
    },
    ("get", "/datasets/{name}/plan"): {
        "rows": [
            {
                "labels": "rust",
                "have": 12,
                "wanted": 36,
                "count": 24,
                "way": {"source": "healthy", "chain": ["healthy-to-rust"]},
                "train": [],
                "reason": "",
                "megabytes": 3.5,
                "seconds": 6.0,
            }
        ],
        "before": {"healthy": 84, "rust": 12},
        "after": {"healthy": 84, "rust": 36},
        "replaces": False,
    },
    ("post", "/datasets/{name}/plan"): VIEW,
    ("get", "/bases"): [BASE],
    ("post", "/bases/{base}/accept"): BASE,
    ("get", "/chains"): {"rust-then-frog-eye": CHAIN},
    ("get", "/chains/{name}"): CHAIN,
    ("put", "/chains/{name}"): CHAIN,
    ("delete", "/chains/{name}"): {"rust-then-frog-eye": CHAIN},
    ("get", "/checkpoints"): [CARD],
    ("get", "/checkpoints/{name}"): CARD,
    ("get", "/kinds"): {
        "health": {
            "title": "Check health",
            "presets": {},
            "schema": {"type": "object", "properties": {"dataset": {"type": "string"}}, "required": ["dataset"]},
        }
    },
    ("get", "/runs"): [VIEW],
    ("post", "/runs"): VIEW,
    ("get", "/runs/{run_id}"): VIEW,
    ("delete", "/runs/{run_id}"): {"trash": f"/srv/leaf/workspace/trash/{RUN}"},
    ("get", "/runs/{run_id}/metrics"): [{"step": 1.0, "cycle_loss": 3.2}, {"step": 2.0, "cycle_loss": 3.0}],
    ("get", "/runs/{run_id}/log"): "2026-11-04 09:30:01 INFO leafcore.reporting: phase: translating",
    ("get", "/runs/{run_id}/events"): 'event: status\ndata: {"state": "running", "done": 8, "total": 24}\n\n',
    ("post", "/runs/{run_id}/stop"): VIEW,
    ("post", "/runs/{run_id}/extend"): VIEW,
    ("post", "/runs/{run_id}/again"): [VIEW],
    ("post", "/runs/{run_id}/fix"): VIEW,
    ("post", "/runs/{run_id}/restore"): VIEW,
    ("post", "/runs/{run_id}/resume"): VIEW,
    ("post", "/runs/{run_id}/promote"): CARD,
    ("get", "/runs/{run_id}/review"): REVIEW,
    ("post", "/runs/{run_id}/review"): REVIEW,
    ("post", "/recipe"): {
        "sha256": WEIGHTS[::-1],
        "recipe": {"file": FILE, "labels": "rust", "source": "photos/leaf-0000-a.png", "seed": 914_502_811},
        "known": "yes",
        "run": RUN,
        "file": FILE,
        "told": ["rust, translated from photos/leaf-0000-a.png (healthy)."],
    },
    ("delete", "/trash"): {"bytes": 52_428_800},
    ("get", "/queue"): [VIEW],
    ("delete", "/queue"): [RUN],
    ("post", "/queue/{run_id}/{where}"): [VIEW],
    ("post", "/queue/{run_id}"): [VIEW],
    ("get", "/runs/{run_id}/contents"): {
        "run": RUN,
        "format": "csv",
        "content": "synthetic",
        "images": 24,
        "synthetic": 24,
        "real": 0,
        "unlabelled": 0,
        "masked": 0,
        "bytes": 3_460_000,
        "licenses": [{"of": "the pictures", "text": "CC0-1.0", "origin": ""}],
        "warnings": [],
    },
    ("get", "/exports"): [
        {
            "run": EXPORT,
            "packed": RUN,
            "url": f"/api/runs/{EXPORT}/zip",
            "format": "csv",
            "content": "synthetic",
            "images": 24,
            "bytes": 3_520_000,
        }
    ],
    ("get", "/runs/{run_id}/images"): {
        "total": 24,
        "offset": 0,
        "images": [
            {
                "file": FILE,
                "labels": "rust",
                "url": f"/api/runs/{RUN}/images/{FILE}",
                "recipe": {"file": FILE, "labels": "rust", "source": "images/healthy-004.png", "seed": 902148},
            }
        ],
    },
    ("post", "/uploads"): {
        "path": "/srv/leaf/workspace/uploads/9c56cc51b374/leaves.zip",
        "bytes": 104_857_600,
        "sha256": "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
    },
    ("get", "/generate"): {
        "checkpoint": "rust-dcgan#7e084268a26f",
        "weights_sha256": WEIGHTS,
        "seed": 0,
        "truncation": 0.0,
        "guidance": 0.0,
        "sampler": "auto",
        "sampling_steps": 0,
        "size_px": 64,
        "latency_ms": 41.7,
        "cached": False,
        "interpretation": {},
        "images": [
            {
                "name": "000000-5f1c2a90.png",
                "seed": 1595681424,
                "labels": "rust",
                "called": "rust",
                "png": "iVBORw0KGgo=",
            }
        ],
    },
    ("post", "/predict"): {
        "model": "orchard-classifier#7e084268a26f",
        "labels": "rust",
        "probabilities": {"rust": 0.91, "scab": 0.06, "healthy": 0.03},
        "thresholds": {},
        "views": 20,
        "heat_map": "/9j/4AAQSkZJRg==",
    },
    ("get", "/usage"): [USE],
}
