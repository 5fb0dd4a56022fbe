"""A tiny Stable Diffusion on disk: the real layout, made of configs, random weights and a made vocabulary."""

import json
import string
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from leafcore.train.dreambooth_base import StableDiffusion, load_stable_diffusion

WORDS = ("a", "photo", "of", "sks", "leaf", "dog", "painting")
LICENSE = "---\nlicense: creativeml-openrail-m\n---\nA tiny model for tests.\n"


def write_stable_diffusion(folder: Path, *, seed: int = 0, prediction: str = "epsilon") -> Path:
    """Write a model whose pictures of 32 px come from latents of 16 px; its networks have about 270,000 weights.

    Args:
        folder: Where it goes.
        seed: Of its weights.
        prediction: What its U-Net predicts: "epsilon", the noise, or "v_prediction".
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = UNet2DConditionModel(
            sample_size=16, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=(16, 32),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16, attention_head_dim=4, norm_num_groups=4,
        )  # fmt: skip
        vae = AutoencoderKL(
            in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(8, 8), norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, sample_size=32,
        )  # fmt: skip
        tokenizer = _tokenizer()
        text = CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=2, max_position_embeddings=24, projection_dim=16,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        text_encoder = CLIPTextModel(text)
    scheduler = DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1,
        prediction_type=prediction,
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae, text_encoder, tokenizer, unet, scheduler, None, None, requires_safety_checker=False
    )
    pipeline.save_pretrained(folder)
    (folder / "README.md").write_text(LICENSE, encoding="utf-8")
    return folder


def _tokenizer() -> CLIPTokenizer:
    """Return a tokenizer that knows a few words and, for all others, the letters."""
    letters = [*string.ascii_lowercase, *(f"{letter}</w>" for letter in string.ascii_lowercase)]
    merges: list[str] = []
    for word in WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            merges.append(f"{parts[0]} {parts[1]}")
            parts = [parts[0] + parts[1], *parts[2:]]
    pieces = dict.fromkeys([*letters, *(merge.replace(" ", "") for merge in merges)])
    merges = list(dict.fromkeys(merges))
    vocabulary = {piece: index for index, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
    with tempfile.TemporaryDirectory() as name:
        files = Path(name, "vocab.json"), Path(name, "merges.txt")
        files[0].write_text(json.dumps(vocabulary))
        files[1].write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
        return CLIPTokenizer(*map(str, files), model_max_length=24, pad_token="<|endoftext|>")


def teach(folder: Path, pictures: dict[str, torch.Tensor], *, steps: int = 200) -> None:
    """Teach a model what prompts look like, so that it knows something that it can forget.

    Its VAE learns to show these pictures first: latents that it draws must survive being pictures.

    Args:
        folder: See `write_stable_diffusion`; its U-Net and VAE are replaced.
        pictures: By prompt, (N, 3, 32, 32) float32 in [-1, 1].
        steps: How many for each network.
    """
    model, generator = load_stable_diffusion(folder, torch.device("cpu")), torch.Generator().manual_seed(0)
    _teach_vae(model, torch.cat(list(pictures.values())), generator, steps)
    _teach_unet(model, pictures, generator, steps)
    for name in ("vae", "unet"):
        getattr(model, name).save_pretrained(folder / name)


def _teach_vae(model: StableDiffusion, images: torch.Tensor, generator: torch.Generator, steps: int) -> None:
    """Lower the error of reconstruction, and scale latents to a standard deviation of 1 (Rombach et al. 2022, G)."""
    vae = model.vae.requires_grad_(True)
    with torch.no_grad():
        vae.quant_conv.bias[vae.config.latent_channels :] = -8.0  # sure of its latents, as a trained one is
    optimizer = torch.optim.AdamW(vae.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for _ in range(steps):
        batch = images[torch.randint(len(images), (8,), generator=generator)]
        optimizer.zero_grad()
        F.mse_loss(vae.decode(vae.encode(batch).latent_dist.mean).sample, batch).backward()
        optimizer.step()
        schedule.step()
    vae.requires_grad_(False)
    vae.register_to_config(scaling_factor=float(1 / vae.encode(images).latent_dist.mean.std()))


def _teach_unet(
    model: StableDiffusion, pictures: dict[str, torch.Tensor], generator: torch.Generator, steps: int
) -> None:
    """Lower the error of the predicted noise, on four pictures of each prompt a step."""
    model.unet.requires_grad_(True)
    latents = [model.encode(images)[0] for images in pictures.values()]
    embedded = model.embed(model.tokens(list(pictures))).repeat_interleave(4, dim=0)
    optimizer = torch.optim.AdamW(model.unet.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for _ in range(steps):
        clean = torch.cat([part[torch.randint(len(part), (4,), generator=generator)] for part in latents])
        noise = torch.randn(clean.shape, generator=generator)
        timesteps = torch.randint(model.steps, (len(clean),), generator=generator)
        output = model.predict(model.scheduler.add_noise(clean, noise, timesteps), timesteps, embedded)
        optimizer.zero_grad()
        F.mse_loss(output, noise).backward()
        optimizer.step()
        schedule.step()
