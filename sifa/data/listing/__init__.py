"""Clips and their classes, from a folder with one sub-folder per class or from a list file of any common form."""

from sifa.data.listing.classes import name_classes as name_classes
from sifa.data.listing.files import VIDEOS as VIDEOS
from sifa.data.listing.reader import Listing as Listing
from sifa.data.listing.reader import find_clips as find_clips
from sifa.data.listing.reader import name_listing as name_listing
from sifa.data.listing.reader import read_listing as read_listing
