"""Clips of the second family of scenes, painted layer by layer."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sifa.data.motion.classes import CAMERA, THINGS
from sifa.data.motion.filmed import FIRST, GROUND, LAYERS, LIMB_BEFORE, LIMB_BEHIND, FilmedScene, draw_filmed
from sifa.data.motion.generator import OUTLINE_SIZE, MotionBatch, MotionClips
from sifa.data.motion.scenes import affine
from sifa.data.motion.seeds import batch_seed
from sifa.data.motion.textures import FACE
from sifa.data.motion.wear import wear

BARS = len(LAYERS)  # their number in `MotionBatch.owner`; that of a layer is its place among the layers
ONE_COLOUR = (LIMB_BEHIND, LIMB_BEFORE)  # limbs, which wear what their body wears
PLAIN = 0.25  # of the grounds


class FilmedClips(MotionClips):
    """An endless, indexed source of clips of the second family; see `MotionClips` for what it is made with."""

    def batch(self, index: int, labels: Tensor) -> MotionBatch:
        """Clips of the given labels, (B, 2): positions in CAMERA and in THINGS."""
        rng = torch.Generator().manual_seed(batch_seed(self.seed, index))
        camera, things = labels.cpu().unbind(1)
        scene, targets = draw_filmed(camera, things, self.num_frames, rng)
        there = [present.nonzero()[:, 0].to(self.device) for present in scene.present.unbind(1)]  # clips of each layer
        scene = FilmedScene(*(part.to(self.device) for part in scene))
        video, owner = self._paint_layers(scene, there, camera, rng)
        self._expose(video, rng)
        if self.worn:
            wear(video, owner, rng, BARS)
        return MotionBatch(video, targets.to(self.device), scene, owner)

    def _paint_layers(
        self, scene: FilmedScene, there: list[Tensor], camera: Tensor, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The layers over each other: video (B, 3, T, S, S), about 0..1, and owner (B, T, S, S)."""
        count, device, layers = len(camera), self.device, len(LAYERS)
        chosen = torch.randint(len(self.textures), (count, layers), generator=rng)
        outlines = torch.randint(len(self.outlines), (count, layers), generator=rng).to(device)
        gain = self._uniform(rng, 0.7, 1.3, (count, layers, 1, 1, 1))
        bias = self._uniform(rng, -0.15, 0.15, (count, layers, 3, 1, 1))
        for limb in ONE_COLOUR:
            chosen[:, limb], gain[:, limb], bias[:, limb] = chosen[:, FIRST], gain[:, FIRST], bias[:, FIRST]
        chosen = chosen.to(device)

        spread = 2.6 * self._uniform(rng, 0.8, 1.2, (count, 1))
        x, y = self._uniform(rng, -0.3, 0.3, (count, 1)), self._uniform(rng, -0.3, 0.3, (count, 1))
        place = affine(x, y, torch.zeros_like(x), spread, spread)
        ground = self._faded(self.textures[chosen[:, GROUND]].float().div_(255), camera, rng)
        video = self._layer(
            ground * gain[:, GROUND] + bias[:, GROUND], scene.layers[:, :, GROUND] @ place, "reflection"
        )
        owner = torch.zeros(count, self.num_frames, self.size, self.size, dtype=torch.long, device=device)
        for number in LAYERS[1:]:
            if not len(clips := there[number]):
                continue
            corner = self.textures[chosen[clips, number], :, :FACE, :FACE].float().div_(255)
            face = F.interpolate(corner, size=(OUTLINE_SIZE, OUTLINE_SIZE), mode="bilinear")
            face = face * gain[clips, number] + bias[clips, number]
            alpha = self.outlines[outlines[clips, number]]
            layer = self._layer(torch.cat([face, alpha], 1), scene.layers[clips, :, number], "zeros")
            under = video[clips]
            video[clips] = under + (layer[:, :3] - under) * layer[:, 3:]
            owner[clips] = torch.where(layer[:, 3] > 0.5, number, owner[clips])
        return video, owner

    def _faded(self, ground: Tensor, camera: Tensor, rng: torch.Generator) -> Tensor:
        """Grounds (B, 3, h, w), some of them nearly plain; less so where the camera moves, which must be seen."""
        count = len(ground)
        still = (camera == CAMERA.index("camera still")).float().to(self.device).view(-1, 1, 1, 1)
        left = self._uniform(rng, 0.05, 0.35, (count, 1, 1, 1)) + 0.15 * (1 - still)
        plain = self._uniform(rng, 0, 1, (count, 1, 1, 1)) < PLAIN
        mean = ground.mean((2, 3), keepdim=True)
        return torch.where(plain, mean + left * (ground - mean), ground)


def pairs_of_labels(count: int) -> Tensor:
    """(count, 2) labels: all of the camera's and all of the things', in turn; a third each the camera alone, things alone, and
    both."""
    index = torch.arange(count)
    part, turn = index % 3, index // 3
    still, nothing = CAMERA.index("camera still"), THINGS.index("nothing moves")
    camera = torch.where(part == 1, still, torch.where(part == 0, turn % len(CAMERA), turn % (len(CAMERA) - 1)))
    things = torch.where(part == 0, nothing, turn % len(THINGS))
    return torch.stack([camera, things], 1)
