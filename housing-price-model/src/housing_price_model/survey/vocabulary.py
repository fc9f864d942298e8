"""The vocabulary of the survey: column names, their categories, and which columns may be blank.

Source: the Ames survey and Dean De Cock's documentation of it (Journal of Statistics Education 19(3), 2011). Categories
are spelled as in the survey. Documented categories that no house of the survey has are left out: the model has no
evidence of their value, and rejects them by name. Data is validated against this vocabulary; nothing in it is learned
from training data. Blank always means null: the documentation's "NA" (no alley, no basement, ...) is not a category.
`None` in `MasVnrType` is a category (no veneer).

Ordered categories run from worst to best, or from least to most, so an encoder may use the position as rank.
"""

from types import MappingProxyType
from typing import Final

QUALITY: Final = ("Po", "Fa", "TA", "Gd", "Ex")
"""Poor, fair, typical, good, excellent."""

_BASEMENT_FINISH: Final = ("Unf", "LwQ", "Rec", "BLQ", "ALQ", "GLQ")
_CONDITION: Final = ("Artery", "Feedr", "Norm", "PosA", "PosN", "RRAe", "RRAn", "RRNn")
_SURFACE: Final = ("Grvl", "Pave")
_COVERING: Final = (
    "AsbShng",
    "AsphShn",
    "BrkComm",
    "BrkFace",
    "CBlock",
    "CemntBd",
    "HdBoard",
    "ImStucc",
    "MetalSd",
    "Plywood",
    "PreCast",
    "Stone",
    "Stucco",
    "VinylSd",
    "Wd Sdng",
    "WdShing",
)
# The survey spells three coverings differently in `Exterior2nd`.
_SPELLED_SECOND: Final = {"BrkComm": "Brk Cmn", "CemntBd": "CmentBd", "WdShing": "Wd Shng"}
_SECOND_COVERING: Final = (*(_SPELLED_SECOND.get(name, name) for name in _COVERING), "Other")

SUBCLASSES: Final = (20, 30, 40, 45, 50, 60, 70, 75, 80, 85, 90, 120, 150, 160, 180, 190)
"""The codes of `MSSubClass`: numbers in the interface, categories in the model."""

TARGET: Final = "SalePrice"
"""The column of the sale price, in US dollars."""

CATEGORIES: Final = MappingProxyType(
    {
        "MSZoning": ("A (agr)", "C (all)", "FV", "I (all)", "RH", "RL", "RM"),
        "Street": _SURFACE,
        "Alley": _SURFACE,
        "LotShape": ("IR3", "IR2", "IR1", "Reg"),
        "LandContour": ("Bnk", "HLS", "Low", "Lvl"),
        "Utilities": ("NoSeWa", "NoSewr", "AllPub"),
        "LotConfig": ("Corner", "CulDSac", "FR2", "FR3", "Inside"),
        "LandSlope": ("Sev", "Mod", "Gtl"),
        "Neighborhood": (
            "Blmngtn",
            "Blueste",
            "BrDale",
            "BrkSide",
            "ClearCr",
            "CollgCr",
            "Crawfor",
            "Edwards",
            "Gilbert",
            "Greens",
            "GrnHill",
            "IDOTRR",
            "Landmrk",
            "MeadowV",
            "Mitchel",
            "NAmes",
            "NPkVill",
            "NWAmes",
            "NoRidge",
            "NridgHt",
            "OldTown",
            "SWISU",
            "Sawyer",
            "SawyerW",
            "Somerst",
            "StoneBr",
            "Timber",
            "Veenker",
        ),
        "Condition1": (*_CONDITION, "RRNe"),
        "Condition2": _CONDITION,
        "BldgType": ("1Fam", "2fmCon", "Duplex", "Twnhs", "TwnhsE"),
        "HouseStyle": ("1.5Fin", "1.5Unf", "1Story", "2.5Fin", "2.5Unf", "2Story", "SFoyer", "SLvl"),
        "RoofStyle": ("Flat", "Gable", "Gambrel", "Hip", "Mansard", "Shed"),
        "RoofMatl": ("ClyTile", "CompShg", "Membran", "Metal", "Roll", "Tar&Grv", "WdShake", "WdShngl"),
        "Exterior1st": _COVERING,
        "Exterior2nd": _SECOND_COVERING,
        "MasVnrType": ("BrkCmn", "BrkFace", "CBlock", "None", "Stone"),
        "ExterQual": QUALITY[1:],
        "ExterCond": QUALITY,
        "Foundation": ("BrkTil", "CBlock", "PConc", "Slab", "Stone", "Wood"),
        "BsmtQual": QUALITY,
        "BsmtCond": QUALITY,
        "BsmtExposure": ("No", "Mn", "Av", "Gd"),
        "BsmtFinType1": _BASEMENT_FINISH,
        "BsmtFinType2": _BASEMENT_FINISH,
        "Heating": ("Floor", "GasA", "GasW", "Grav", "OthW", "Wall"),
        "HeatingQC": QUALITY,
        "CentralAir": ("N", "Y"),
        "Electrical": ("Mix", "FuseP", "FuseF", "FuseA", "SBrkr"),
        "KitchenQual": QUALITY,
        "Functional": ("Sal", "Sev", "Maj2", "Maj1", "Mod", "Min2", "Min1", "Typ"),
        "FireplaceQu": QUALITY,
        "GarageType": ("2Types", "Attchd", "Basment", "BuiltIn", "CarPort", "Detchd"),
        "GarageFinish": ("Unf", "RFn", "Fin"),
        "GarageQual": QUALITY,
        "GarageCond": QUALITY,
        "PavedDrive": ("N", "P", "Y"),
        "PoolQC": ("Fa", "TA", "Gd", "Ex"),
        "Fence": ("MnWw", "GdWo", "MnPrv", "GdPrv"),
        "MiscFeature": ("Elev", "Gar2", "Othr", "Shed", "TenC"),
        "SaleType": ("COD", "CWD", "Con", "ConLD", "ConLI", "ConLw", "New", "Oth", "VWD", "WD"),
        "SaleCondition": ("Abnorml", "AdjLand", "Alloca", "Family", "Normal", "Partial"),
    }
)
"""The categories of each text column."""

COLUMNS: Final = (
    *("MSSubClass", "MSZoning", "LotFrontage", "LotArea", "Street", "Alley", "LotShape", "LandContour", "Utilities"),
    *("LotConfig", "LandSlope", "Neighborhood", "Condition1", "Condition2", "BldgType", "HouseStyle", "OverallQual"),
    *("OverallCond", "YearBuilt", "YearRemodAdd", "RoofStyle", "RoofMatl", "Exterior1st", "Exterior2nd", "MasVnrType"),
    *("MasVnrArea", "ExterQual", "ExterCond", "Foundation", "BsmtQual", "BsmtCond", "BsmtExposure", "BsmtFinType1"),
    *("BsmtFinSF1", "BsmtFinType2", "BsmtFinSF2", "BsmtUnfSF", "TotalBsmtSF", "Heating", "HeatingQC", "CentralAir"),
    *("Electrical", "1stFlrSF", "2ndFlrSF", "LowQualFinSF", "GrLivArea", "BsmtFullBath", "BsmtHalfBath", "FullBath"),
    *("HalfBath", "BedroomAbvGr", "KitchenAbvGr", "KitchenQual", "TotRmsAbvGrd", "Functional", "Fireplaces"),
    *("FireplaceQu", "GarageType", "GarageYrBlt", "GarageFinish", "GarageCars", "GarageArea", "GarageQual"),
    *("GarageCond", "PavedDrive", "WoodDeckSF", "OpenPorchSF", "EnclosedPorch", "3SsnPorch", "ScreenPorch"),
    *("PoolArea", "PoolQC", "Fence", "MiscFeature", "MiscVal", "MoSold", "YrSold", "SaleType", "SaleCondition"),
)
"""The 79 features, in the order of the data: the input of the model."""

NUMBERS: Final = tuple(name for name in COLUMNS if name not in CATEGORIES)
"""The numeric columns (areas in square feet, lengths in feet, `MiscVal` in US dollars)."""

OPTIONAL: Final = frozenset(
    {
        # Blank in the data itself.
        *("Alley", "BsmtCond", "BsmtExposure", "BsmtFinSF1", "BsmtFinSF2", "BsmtFinType1", "BsmtFinType2"),
        *("BsmtFullBath", "BsmtHalfBath", "BsmtQual", "BsmtUnfSF", "Electrical", "Fence", "FireplaceQu", "GarageArea"),
        *("GarageCars", "GarageCond", "GarageFinish", "GarageQual", "GarageType", "GarageYrBlt", "LotFrontage"),
        *("MasVnrArea", "MasVnrType", "MiscFeature", "PoolQC", "TotalBsmtSF"),
        # Blank in other extracts of the same survey.
        *("MSZoning", "Utilities", "Exterior1st", "Exterior2nd", "KitchenQual", "Functional", "SaleType"),
    }
)
"""The columns that may be blank; all others are required."""
